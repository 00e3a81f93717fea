"""
Session locks: they prove that the process which claimed an epoch is still running.

Postgres: an advisory lock on (table, epoch) in a session of its own, which ends with the process. SQLite: an flock of
one file per epoch, which the kernel releases when the process ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from offload.errors import Unavailable
from offload.io.database import translate_errors
from offload.io.deadline import within

_log = logging.getLogger(__name__)


class Lock(Protocol):
    """A lock that is held until it is released or its process ends."""

    counts: bool
    """Whether others can rely on it; behind a connection pooler they cannot, and only the heartbeat counts."""

    def release(self) -> None:
        """Release the lock."""


class Locks(Protocol):
    """Locks on (table, epoch) in one database."""

    def try_lock(self, table: str, epoch: int) -> Lock | None:
        """Take the lock; None: another process has it."""

    def held(self, table: str, epoch: int) -> bool:
        """Whether a running process has the lock."""

    def remove_stale(self, table: str, below: int) -> None:
        """Remove what ended runs of earlier epochs left; a lock that a running process has stays."""


def locks_for(engine: Engine, timeout: float) -> Locks:
    """The locks of this kind of database."""
    if engine.dialect.name == "sqlite":
        return FileLocks(Path(engine.url.database or ""))
    return AdvisoryLocks(engine, timeout)


class FileLocks:
    """Lock files beside the SQLite database."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def try_lock(self, table: str, epoch: int) -> FileLock | None:
        """Take the lock; None: another process has it."""
        return _flock(self._path(table, epoch))

    def held(self, table: str, epoch: int) -> bool:
        """Whether a running process has the lock."""
        path = self._path(table, epoch)
        if not path.exists():
            return False
        lock = _flock(path)
        if lock is None:
            return True
        lock.release()
        return False

    def remove_stale(self, table: str, below: int) -> None:
        """Remove the files of dead runs."""
        for path in self._database.parent.glob(f"{self._database.name}.{table}.*.lock"):
            epoch = path.name.split(".")[-2]
            if epoch.isdigit() and int(epoch) < below:
                self.held(table, int(epoch))  # a free lock is taken and released, which removes its file

    def _path(self, table: str, epoch: int) -> Path:
        return self._database.with_name(f"{self._database.name}.{table}.{epoch}.lock")


def _flock(path: Path) -> FileLock | None:
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return FileLock(file, path)
    except BlockingIOError:
        pass  # another process has it
    file.close()  # or it was released and removed in between: no other process would see this lock
    return None


class FileLock:
    """One flock."""

    counts = True

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file = file
        self._path = path

    def release(self) -> None:
        """Release the lock and remove its file."""
        self._path.unlink(missing_ok=True)
        self._file.close()


class AdvisoryLocks:
    """Session-level advisory locks of Postgres."""

    def __init__(self, engine: Engine, timeout: float) -> None:
        self._engine = engine
        self._timeout = timeout

    def try_lock(self, table: str, epoch: int) -> AdvisoryLock | None:
        """Take the lock in a session of its own; None: another session has it. Raises as `translate_errors`."""

        def take() -> AdvisoryLock | None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            pids = {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for _ in range(3)}
            if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(table, epoch)}).scalar_one():
                return AdvisoryLock(connection, counts=len(pids) == 1, timeout=self._timeout)
            connection.close()
            return None

        with translate_errors("OFFLOAD_WATERMARKS_URL", self._engine.url.render_as_string(hide_password=False)):
            return within(self._timeout, "the watermark store", take)

    def held(self, table: str, epoch: int) -> bool:
        """Whether a session has the lock; tries to take the lock, and releases it at once."""
        lock = self.try_lock(table, epoch)
        if lock is None:
            return True
        lock.release()
        return False

    def remove_stale(self, table: str, below: int) -> None:
        """Do nothing: a lock ends with its session."""


class AdvisoryLock:
    """One advisory lock and its session."""

    def __init__(self, connection: Connection, *, counts: bool, timeout: float) -> None:
        self._connection = connection
        self.counts = counts
        self._timeout = timeout

    def release(self) -> None:
        """End the session, and with it the lock; no effect where the server has ended it."""
        try:
            within(self._timeout, "the watermark store", self._connection.invalidate)
            self._connection.close()
        except (Unavailable, DBAPIError) as gone:
            _log.warning("the session of a lease could not be ended: %s", gone)


def _key(table: str, epoch: int) -> int:
    digest = hashlib.sha256(f"tidemark/{table}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
