"""
Whose a container is: a process, so that what a dead one left can be told from what a living one uses.

A number alone is not enough, because the system gives it out again: the time at which the process started, the boot
and the name space in which the number counts belong to it.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Owner:
    """A process, for good: `where` names the boot and the name space, `started` when it began there."""

    where: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.where} {self.pid} {self.started}"

    @classmethod
    def parse(cls, text: str) -> Owner:
        """The reverse of `str`."""
        where, pid, started = text.split(" ", 2)
        return cls(where, int(pid), started)

    def is_here(self) -> bool:
        """Whether its number counts in our own name space, so that we can tell if it lives."""
        return self.where == _where()

    def is_alive(self) -> bool:
        """Whether the process still exists; only meaningful where it `is_here`."""
        return _started(self.pid) == self.started


def me() -> Owner:
    """The process that asks."""
    return Owner(_where(), os.getpid(), _started(os.getpid()))


@cache
def _where() -> str:
    boot = PROC / "sys/kernel/random/boot_id"
    if not boot.exists():
        return os.uname().nodename
    return f"{boot.read_text().strip()}/{(PROC / 'self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    """When a process began, in whatever words the system has; empty for one that is gone or a zombie."""
    if not PROC.exists():
        asked = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, start_time = fields[0], fields[19]
    return "" if state in "ZX" else start_time
