"""Locks between processes of this machine; the kernel gives them back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.waiting import wait_until


def folder() -> Path:
    """Where this user's locks and notes lie."""
    path = Path(tempfile.gettempdir()) / f"tidemark-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def note(session: str, run: str) -> Path:
    """A file that is there while a session has a stack of that run: without one, its end need not ask the engine."""
    return folder() / f"session-{session}-{run}"


def notes(session: str) -> list[Path]:
    """The notes of a session: once it has ended, of stacks whose users did not live to remove them."""
    return list(folder().glob(f"session-{session}-*"))


@contextmanager
def held(name: str, timeout: float) -> Iterator[None]:
    """
    Hold a lock; wait for it as long as somebody else does.

    Raises:
        TimeoutError: Somebody else still held it after so many seconds.
    """
    path = folder() / f"{name}.lock"
    with path.open("w") as file:
        wait_until(lambda: _taken(file.fileno()), lambda: f"{path} is held by another process", timeout)
        yield


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold a lock if nobody else does; says whether."""
    with (folder() / f"{name}.lock").open("w") as file:
        yield _taken(file.fileno())


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
