"""
Run a command that installs, fetches or builds: without input, and with a time limit for it and its descendants.

These commands use the network, and behind some firewalls they would never end.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

from harness.waiting import wait_until

LAST_LINES = 15
GRACE = 10.0  # seconds from SIGTERM to SIGKILL: debootstrap unmounts what it mounted
MARK = "TIDEMARK_COMMAND"
PROC = Path("/proc")


@dataclass(frozen=True)
class CommandResult:
    """Result of a command: why it failed (empty: it succeeded), and the last lines of its output."""

    failure: str
    output: str


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> CommandResult:
    """
    Run a command without input; at the timeout or an interrupt, terminate it and all its descendants.

    Args:
        command: The program and its arguments.
        environment: Variables to add to our own environment.
        timeout: Seconds.
    """
    mark = f"{MARK}={uuid4().hex}"
    marked = {**os.environ, **environment, MARK: mark.partition("=")[2]}
    with TemporaryFile() as output:
        with subprocess.Popen(  # noqa: S603 - commands of this package with names from the recipes
            command, env=marked, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as child:
            try:
                code = child.wait(timeout)
                failure = f"exit code {code}" if code else ""
            except subprocess.TimeoutExpired:
                _terminate(child, mark)
                failure = f"still running after {timeout:g} s; it and all processes that it started were terminated"
            except BaseException:
                _terminate(child, mark)
                raise
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    return CommandResult(failure, "\n".join(lines[-LAST_LINES:]) or "(no output)")


def _terminate(child: subprocess.Popen[bytes], mark: str) -> None:
    """
    Terminate a child and all processes with the mark in their environment, including those whose parent has ended.

    We do not use a process group of its own, because Ctrl-C in a terminal would then not reach the processes.
    """
    _signal(mark, signal.SIGTERM)
    with suppress(TimeoutError):
        wait_until(lambda: not _signal(mark, 0), lambda: "", GRACE)
    child.kill()  # without /proc only the child itself can be ended
    with suppress(TimeoutError):  # a process that waits for a disk or a mount ends after that wait
        wait_until(lambda: not _signal(mark, signal.SIGKILL), lambda: "", GRACE)


def _signal(mark: str, number: int) -> bool:
    """Send a signal (0: only check) to every process with the mark; return whether one exists, zombies not counted."""
    found = False
    for path in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended meanwhile, or belongs to another user
            if mark.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), number)
                found = True
    return found
