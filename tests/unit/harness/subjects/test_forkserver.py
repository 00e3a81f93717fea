"""The fork server runs the offload, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.subjects.forkserver import forkserver_launcher
from harness.subjects.offload_cli import OffloadCli


def test_a_forked_child_ends_like_one_that_was_started() -> None:
    """Exit code, stdout and stderr are those of the program; the environment is the given one alone."""
    args, env = ["run", "absent", "--json"], {"OFFLOAD_TABLES": "/absent/folder"}

    forked = OffloadCli(forkserver_launcher).run_command(args, env)
    started = OffloadCli().run_command(args, env)

    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)
    assert started.returncode == 78
    assert "/absent/folder" in started.stdout


def test_another_program_is_refused(tmp_path: Path) -> None:
    """The fork server has not imported it."""
    with pytest.raises(ValueError, match="found /bin/true; next: use subprocess_launcher"):
        forkserver_launcher(["/bin/true"], env={}, cwd=None, stdout=tmp_path / "out", stderr=tmp_path / "err")
