"""A claimed table: heartbeats, and writes that say `WHERE epoch = mine`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, func, update

from offload.errors import Fenced, OffloadError
from offload.ports.watermarks import RunOutcome, TableWatermark
from offload.watermarks.locks import Lock, Locks
from offload.watermarks.tables import NOBODY, RUNS, WATERMARKS, columns_of

T = TypeVar("T")

BEATS_PER_LEASE = 4
FAILURE_TIMEOUT = 4.0  # seconds
_log = logging.getLogger(__name__)


class Store(Protocol):
    """What a lease needs of the store that gave it."""

    locks: Locks

    def call(self, work: Callable[[Connection], T], seconds: float | None = None) -> T:
        """Run `work` in one transaction, within `seconds` where that is less than the time-out."""

    def now(self, connection: Connection) -> datetime:
        """The database's clock."""


class StoreLease:
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
        """Begin to send heartbeats."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the heartbeats and let the lock go."""
        self._stopped.set()
        self._thread.join(FAILURE_TIMEOUT / 4)  # a heartbeat on its way to a store that hangs is not waited for
        self._lock.release()

    def check(self) -> None:
        """
        Raise if a heartbeat has found that the table is no longer ours.

        Raises:
            Fenced: Another run took it over.
        """
        if self._lost:
            raise self._lost

    def beat(self) -> None:
        """Say that the run is alive."""
        self._store.call(lambda connection: self._write(connection, heartbeat_at=self._store.now(connection)))

    def _heartbeats(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self.beat()
            except Fenced as lost:
                self._lost = lost
                return
            except OffloadError as error:
                # The store may come back; until then the commit's own fence protects the table.
                _log.warning("no heartbeat for %s: %s", self._table, error)

    def raise_epoch(self, above: int) -> None:
        """
        Make the epoch larger than one seen in the Iceberg table: the store was restored from an older backup.

        Raises:
            Fenced: Another run took the table over.
        """
        if self.epoch > above:
            return
        lock = self._store.locks.try_lock(self._table, above + 1)
        if lock is None:
            raise self._fenced()
        self._store.call(lambda connection: self._write(connection, epoch=above + 1, locked=lock.counts))
        self._lock.release()
        self._lock, self.epoch = lock, above + 1

    def repair(self, catchup: TableWatermark) -> None:
        """
        Put the store to the Iceberg table's value, whatever stands there.

        Raises:
            Fenced: Another run took the table over.
        """
        self._store.call(lambda connection: self._write(connection, **columns_of(catchup)))

    def record(self, outcome: RunOutcome) -> None:
        """
        Let the store catch up and release the lease.

        Raises:
            Fenced: Another run took the table over; the store is left as it is.
        """
        # A run that fails is late already: what failed it may be this store.
        bound = FAILURE_TIMEOUT if outcome.status == "failed" else None
        self._store.call(lambda connection: self._record(connection, outcome), bound)

    def _record(self, connection: Connection, outcome: RunOutcome) -> None:
        now = self._store.now(connection)
        values: dict[Any, Any] = {"status": _status(outcome), "owner": NOBODY, "updated_at": now}
        if outcome.status != "repaired":
            values["last_run_duration_seconds"] = outcome.seconds
        if outcome.status == "success":
            values |= {"last_successful_run": now, "failure_count": 0, "last_error_message": None}
            values |= {"last_offload_row_count": outcome.rows}
        elif outcome.status == "failed":
            values |= {"failure_count": func.coalesce(WATERMARKS.c.failure_count, 0) + 1}
            values |= {"last_error_message": outcome.error}
        self._write(connection, **values, **(columns_of(outcome.catchup) if outcome.catchup else {}))
        reached = outcome.catchup.timestamp if outcome.catchup else None
        connection.execute(
            update(RUNS)
            .where(RUNS.c.run_id == self._run_id, RUNS.c.table_name == self._table)
            .values(
                status=outcome.status,
                finished_at=now,
                rows=outcome.rows,
                watermark_at=reached,
                error=outcome.error,
                **dict(outcome.counts),
            )
        )

    def _write(self, connection: Connection, **values: Any) -> None:
        mine = WATERMARKS.c.table_name == self._table, WATERMARKS.c.epoch == self.epoch
        if connection.execute(update(WATERMARKS).where(*mine).values(**values)).rowcount != 1:
            raise self._fenced()

    def _fenced(self) -> Fenced:
        return Fenced(
            f"to hold the lease of {self._table} under epoch {self.epoch}",
            "another run has taken it over",
            f"offload status; offload run {self._table}",
        )


def _status(outcome: RunOutcome) -> str:
    """A repair leaves a table as if its last run had just ended, or as if there had been none."""
    if outcome.status != "repaired":
        return outcome.status
    return "success" if outcome.catchup and outcome.catchup.ticks is not None else "initialized"
