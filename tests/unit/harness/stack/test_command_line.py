from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.stack.__main__ import COMMANDS
from harness.stack.compose import ROOT
from harness.stack.service import Service


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m harness.stack` with these words and environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "harness.stack", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("words", [[], ["up"], ["engine", "images"]])
def test_unknown_commands_print_the_list_of_commands(words: list[str]) -> None:
    """The exit code is 64, and the list describes each command."""
    done = command(*words)

    assert done.returncode == 64
    assert {"engine", "images", "down"} <= set(done.stderr.split())


def test_without_an_engine_the_error_has_four_parts(tmp_path: Path) -> None:
    """The exit code is 69, and there is no traceback."""
    done = command("images", DOCKER_HOST=f"unix://{tmp_path}/no.sock")

    assert done.returncode == 69
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["expected", "found", "evidence", "next"]


def test_every_command_and_every_stand_in_is_documented() -> None:
    """docs/stack.md lists the commands and the stand-ins."""
    page = (ROOT / "docs" / "stack.md").read_text()

    assert [word for word in COMMANDS if f"`python -m harness.stack {word}`" not in page] == []
    assert [service for service in Service if f"| {service} |" not in page] == []
