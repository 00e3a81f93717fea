"""
The owner of a container: a process. The sweep removes containers whose owner no longer exists.

A process id alone does not identify a process, because the system reuses it. An owner is therefore the id, the start
time of the process, and the boot and PID namespace in which the id is valid.
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
    """A process; `namespace` names the boot and the PID namespace, `start_time` is text in the system's own form."""

    namespace: str
    pid: int
    start_time: str

    def __str__(self) -> str:
        return f"{self.namespace} {self.pid} {self.start_time}"

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Parse the text that `str` returned."""
        namespace, pid, start_time = text.split(" ", 2)
        return cls(namespace, int(pid), start_time)

    def is_local(self) -> bool:
        """Return whether the process id is valid in our boot and PID namespace; only then `is_alive` has a meaning."""
        return self.namespace == _namespace()

    def is_alive(self) -> bool:
        """Return whether the process still exists; call it only if the owner `is_local`."""
        return _start_time(self.pid) == self.start_time


def this_process() -> Owner:
    """The current process as an owner."""
    return Owner(_namespace(), os.getpid(), _start_time(os.getpid()))


@cache
def _namespace() -> str:
    boot = PROC / "sys/kernel/random/boot_id"
    if not boot.exists():
        return os.uname().nodename
    return f"{boot.read_text().strip()}/{(PROC / 'self/ns/pid').readlink()}"


def _start_time(pid: int) -> str:
    """Start time of a process in the system's own form; empty: the process does not exist or is a zombie."""
    if not PROC.exists():
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, start_time = fields[0], fields[19]
    return "" if state in "ZX" else start_time
