"""A claimed table: heartbeats, and writes that say `WHERE epoch = mine`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, func, update
from typing_extensions import override

from offload.errors import Fenced, OffloadError
from offload.ports.watermarks import Lease, RunOutcome, TableWatermark
from offload.watermarks.locks import Lock, Locks
from offload.watermarks.tables import NOBODY, RUNS, WATERMARKS, columns_of

T = TypeVar("T")

BEATS_PER_LEASE = 4
FAILURE_TIMEOUT = 4.0  # seconds
NO_RUNS = {"repaired", "expired"}  # they leave what the row says of the last run
_log = logging.getLogger(__name__)


class Store(Protocol):
    """The part of the store that a lease uses."""

    locks: Locks

    def call(self, work: Callable[[Connection], T], seconds: float | None = None) -> T:
        """Run `work` in one transaction, within `seconds` where that is less than the time-out."""

    def now(self, connection: Connection) -> datetime:
        """The database's clock."""


class StoreLease(Lease):
    """A claimed table. Every write says `WHERE epoch = mine`."""

    def __init__(self, store: Store, table: str, run_id: str, epoch: int, lock: Lock, seconds: float) -> None:
        self._store = store
        self._table = table
        self._run_id = run_id
        self.epoch = epoch
        self._lock = lock
        self._interval = seconds / BEATS_PER_LEASE
        self._stopped = threading.Event()
        self._lost: Fenced | None = None
        self._thread = threading.Thread(target=self._heartbeats, name=f"heartbeat-{table}", daemon=True)

    def start(self) -> None:
        """Start the heartbeats."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the heartbeats and release the lock."""
        self._stopped.set()
        self._thread.join(FAILURE_TIMEOUT / 4)  # do not wait for a heartbeat to a store that hangs
        self._lock.release()

    @override
    def check(self) -> None:
        if self._lost:
            raise self._lost

    def beat(self) -> None:
        """Write a heartbeat."""
        self._store.call(lambda connection: self._write(connection, heartbeat_at=self._store.now(connection)))

    def _heartbeats(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self.beat()
            except Fenced as lost:
                self._lost = lost
                return
            except OffloadError as error:
                # The store may answer again later; until then the commit's fence protects the table.
                _log.warning("no heartbeat for %s: %s", self._table, error)

    @override
    def raise_epoch(self, above: int) -> None:
        # The table has a larger epoch where the store was restored from an older backup.
        if self.epoch > above:
            return
        lock = self._store.locks.try_lock(self._table, above + 1)
        if lock is None:
            raise self._fenced()
        self._store.call(lambda connection: self._write(connection, epoch=above + 1, locked=lock.counts))
        self._lock.release()
        self._lock, self.epoch = lock, above + 1

    @override
    def repair(self, watermark: TableWatermark) -> None:
        self._store.call(lambda connection: self._write(connection, **columns_of(watermark)))

    @override
    def record(self, outcome: RunOutcome) -> None:
        # A failed run has already waited for one time-out, and the store may be the service that failed.
        bound = FAILURE_TIMEOUT if outcome.status == "failed" else None
        self._store.call(lambda connection: self._record(connection, outcome), bound)

    def _record(self, connection: Connection, outcome: RunOutcome) -> None:
        now = self._store.now(connection)
        values: dict[Any, Any] = {"status": _status(outcome), "owner": NOBODY, "updated_at": now}
        if outcome.status not in NO_RUNS:
            values["last_run_duration_seconds"] = outcome.seconds
        if outcome.status == "success":
            values |= {"last_successful_run": now, "failure_count": 0, "last_error_message": None}
            values |= {"last_offload_row_count": outcome.counters.rows}
        elif outcome.status == "failed":
            values |= {"failure_count": func.coalesce(WATERMARKS.c.failure_count, 0) + 1}
            values |= {"last_error_message": outcome.error}
        self._write(connection, **values, **(columns_of(outcome.watermark) if outcome.watermark else {}))
        reached = outcome.watermark.timestamp if outcome.watermark else None
        connection.execute(
            update(RUNS)
            .where(RUNS.c.run_id == self._run_id, RUNS.c.table_name == self._table)
            .values(
                status=outcome.status,
                finished_at=now,
                snapshot_id=outcome.snapshot_id,
                watermark_at=reached,
                error=outcome.error,
                **asdict(outcome.counters),
            )
        )

    def _write(self, connection: Connection, **values: Any) -> None:
        mine = WATERMARKS.c.table_name == self._table, WATERMARKS.c.epoch == self.epoch
        if connection.execute(update(WATERMARKS).where(*mine).values(**values)).rowcount != 1:
            raise self._fenced()

    def _fenced(self) -> Fenced:
        return Fenced(
            f"the lease of {self._table} under epoch {self.epoch}",
            "another run, which has taken the table over",
            f"offload status, then offload run {self._table}",
        )


def _status(outcome: RunOutcome) -> str:
    """After another command the table's status is that of a table whose last run succeeded, or that never had a run."""
    if outcome.status not in NO_RUNS:
        return outcome.status
    return "success" if outcome.watermark and outcome.watermark.ticks is not None else "initialized"
