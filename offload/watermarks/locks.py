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
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from offload.errors import Unavailable
from offload.io.database import translate_errors
from offload.io.deadline import within

T = TypeVar("T")

# pg_locks shows the two halves of a 64-bit key (PostgreSQL manual, "pg_locks").
_HELD = """
    SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND classid::bigint = :high AND objid::bigint = :low
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
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
        return FileLocks(Path((engine.url.database or "").removeprefix("file:")))  # of an SQLite URI
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
        for path in self._database.parent.glob(f"{self._database.name}.{_in_name(table)}.*.lock"):
            epoch = path.name.split(".")[-2]
            if epoch.isdigit() and int(epoch) < below:
                self.held(table, int(epoch))  # a free lock is taken and released, which removes its file

    def _path(self, table: str, epoch: int) -> Path:
        return self._database.with_name(f"{self._database.name}.{_in_name(table)}.{epoch}.lock")


def _in_name(table: str) -> str:
    return table.replace("/", "%")


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
            connection = self._session()
            if self._is_pooled(connection):
                return AdvisoryLock(connection, counts=False, timeout=self._timeout)
            if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(table, epoch)}).scalar_one():
                return AdvisoryLock(connection, counts=True, timeout=self._timeout)
            connection.close()
            return None

        return self._call(take)

    def held(self, table: str, epoch: int) -> bool:
        """Whether a session has the lock: read, not tried, since a pooler may try it in the session that has it."""

        def read() -> bool:
            with self._session() as connection:
                key = _key(table, epoch) % 2**64
                halves = {"high": key >> 32, "low": key & (2**32 - 1)}
                return bool(connection.execute(text(_HELD), halves).scalar_one())

        return self._call(read)

    def _session(self) -> Connection:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _is_pooled(self, connection: Connection) -> bool:
        """
        Whether a pooler gives each statement a server session of its own choice.

        Two sessions that are open at once have two backends, and each keeps its own. Behind a pooler in transaction
        mode they share one, or change it. A lock taken there would stay in the pool.
        """
        with self._session() as other:
            first, second, again = (_backend(one) for one in (connection, other, connection))
        return first == second or first != again

    def _call(self, work: Callable[[], T]) -> T:
        with translate_errors("OFFLOAD_WATERMARKS_URL", self._engine.url.render_as_string(hide_password=False)):
            return within(self._timeout, "the watermark store", work)

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


def _backend(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _key(table: str, epoch: int) -> int:
    digest = hashlib.sha256(f"tidemark/{table}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
