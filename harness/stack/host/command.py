"""
A command that installs, fetches or builds: without input, with a bound, and ended with all that it has started.

Such a command talks to the network, and behind some firewalls it would never end.
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
class Ending:
    """How a command ended: why that is no success (empty when it is one), and the last lines of what it said."""

    failure: str
    said: str


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> Ending:
    """
    Run a command without input; when its time is over or we are interrupted, end it and all that it started.

    Args:
        command: The program and its arguments.
        environment: What is added to our own.
        timeout: Seconds.
    """
    mark = f"{MARK}={uuid4().hex}"
    marked = {**os.environ, **environment, MARK: mark.partition("=")[2]}
    with TemporaryFile() as output:
        with subprocess.Popen(  # noqa: S603 - commands of this package, names of the recipes
            command, env=marked, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ) as child:
            try:
                code = child.wait(timeout)
                failure = f"exit code {code}" if code else ""
            except subprocess.TimeoutExpired:
                _end(child, mark)
                failure = f"no end after {timeout:g} s, so it was ended, and all that it had started"
            except BaseException:
                _end(child, mark)
                raise
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    return Ending(failure, "\n".join(lines[-LAST_LINES:]) or "(no output)")


def _end(child: subprocess.Popen[bytes], mark: str) -> None:
    """
    End a child and its descendants, also those whose parent is gone, known by the mark in their environment.

    A process group of their own would do as well, but Ctrl-C at a terminal would no longer reach them.
    """
    _signal(mark, signal.SIGTERM)
    with suppress(TimeoutError):
        wait_until(lambda: not _signal(mark, 0), lambda: "", GRACE)
    child.kill()  # it alone where there is no /proc
    with suppress(TimeoutError):  # one that even so lives waits for a disk or a mount, and ends when it may
        wait_until(lambda: not _signal(mark, signal.SIGKILL), lambda: "", GRACE)


def _signal(mark: str, number: int) -> bool:
    """Send a signal to every process with that mark, 0 for none; says whether there was one. Zombies have none."""
    found = False
    for path in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended while we looked, or is somebody else's
            if mark.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), number)
                found = True
    return found
