"""Locks between processes of this machine; the kernel releases a lock when its process ends for any reason."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.waiting import wait_until


def folder() -> Path:
    """The folder of this user's locks and session markers; created if it is missing."""
    path = Path(tempfile.gettempdir()) / f"tidemark-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def session_marker(session: str, run: str) -> Path:
    """A file that exists while a session uses the stack of a run; a session without markers has nothing to remove."""
    return folder() / f"session-{session}-{run}"


def session_markers(session: str) -> list[Path]:
    """The markers of a session; one that is left at the end belongs to a worker that died."""
    return list(folder().glob(f"session-{session}-*"))


@contextmanager
def acquire(name: str, timeout: float) -> Iterator[None]:
    """
    Hold a lock in the block; first wait until no other process holds it.

    Raises:
        TimeoutError: Another process still held the lock after `timeout` seconds.
    """
    path = folder() / f"{name}.lock"
    with path.open("w") as file:
        wait_until(lambda: _flock(file.fileno()), lambda: _not_free(path), timeout)
        yield


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold a lock in the block if no other process holds it; yield whether the lock is held."""
    with (folder() / f"{name}.lock").open("w") as file:
        yield _flock(file.fileno())


def _not_free(path: Path) -> str:
    return f"expected: {path} to be free; found: it is held by another process; next: `lslocks` shows the process"


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
