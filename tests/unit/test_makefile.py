"""The targets of the Makefile say what they lack and what to type next."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def made(*words: str, path: Path) -> subprocess.CompletedProcess[str]:
    """The output of `make` with a PATH that has only that folder."""
    make = shutil.which("make")
    assert make, "expected: make on the PATH; next: apt-get install make"
    return subprocess.run(
        [make, "-C", str(ROOT), *words], check=False, env={"PATH": str(path)}, capture_output=True, text=True
    )


def test_a_report_without_node_says_what_to_install(tmp_path: Path) -> None:
    """A lock that is newer than what is installed, and no npm to install it with."""
    lock = "fixtures/report/node_modules/.package-lock.json"

    done = made(lock, "--always-make", path=tmp_path)

    assert done.returncode == 2
    assert (
        "expected: Node.js for the report; found: no npm on the PATH; next: apt-get install nodejs npm" in done.stdout
    )


def test_a_report_of_no_results_says_what_to_run(tmp_path: Path) -> None:
    """A folder that no test run has written to."""
    (tmp_path / "ls").symlink_to("/bin/ls")

    done = made(
        "report", f"RESULTS={tmp_path}", "--assume-old=fixtures/report/node_modules/.package-lock.json", path=tmp_path
    )

    assert done.returncode == 2
    assert f"expected: results of a test run in {tmp_path}; found: none; next: make test" in done.stdout
