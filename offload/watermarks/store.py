"""
The watermark store in Postgres or SQLite: the row that people and dashboards read, the lease, the history of runs.

It follows the Iceberg table, which alone decides what was published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool
from typing_extensions import override

from offload.errors import DataError, LeaseHeld, UsageError
from offload.io.database import (
    add_missing_columns,
    create_tables,
    end_silent_transactions,
    now,
    read_odd_times_as_null,
    redacted_url,
    translate_errors,
    with_connect_timeout,
)
from offload.io.deadline import within
from offload.ports.view import RecordedView
from offload.ports.watermarks import Cycle, Cycles, StoredWatermark, Views, Watermarks
from offload.watermarks.lease import StoreLease
from offload.watermarks.locks import Lock, locks_for
from offload.watermarks.tables import (
    CYCLES,
    METADATA,
    NOBODY,
    RUNS,
    WATERMARKS,
    check_only_row,
    snapshots_of,
    usable_epoch,
    view_of,
    watermark_of,
)

T = TypeVar("T")
DEFAULT_CLUSTER = "default"


class WatermarkStore(Watermarks, Cycles, Views):
    """
    One store in one database.

    Args:
        url: SQLAlchemy address; `postgresql://` or `sqlite:///`.
        lease: Seconds after its last heartbeat for which a run keeps its table.
        timeout: Seconds that one call may take.
        owner: The owner of the lease: host and process id.
        cluster: Name of the ClickHouse cluster; tables of one name in two clusters have a row each.
    """

    def __init__(self, url: str, lease: float, timeout: float, owner: str, cluster: str = DEFAULT_CLUSTER) -> None:
        self._url = with_connect_timeout(url, timeout)
        self._lease = lease
        self._timeout = timeout
        self._owner = owner
        self.prefix = "" if cluster == DEFAULT_CLUSTER else f"{cluster}/"
        self._engine = create_engine(self._url, poolclass=NullPool, connect_args=_connect_args(self._url, timeout))
        read_odd_times_as_null(self._engine)
        end_silent_transactions(self._engine, timeout)
        self.locks = locks_for(self._engine, timeout)
        self._ready = False
        self.clock_ahead = 0.0

    @override
    def read(self, table: str) -> StoredWatermark | None:
        mine = WATERMARKS.c.table_name == self.prefix + table
        rows = self.call(lambda c: c.execute(select(WATERMARKS).where(mine)).mappings().all())
        check_only_row(table, rows)
        return StoredWatermark(watermark_of(dict(rows[0])), dict(rows[0]), view_of(dict(rows[0]))) if rows else None

    @override
    def rows_since(self, table: str, epoch: int) -> int:
        rows = select(func.coalesce(func.sum(RUNS.c.rows), 0)).where(
            RUNS.c.table_name == self.prefix + table, RUNS.c.epoch > epoch
        )
        return int(self.call(lambda connection: connection.execute(rows).scalar_one()))

    @override
    def knows(self, table: str) -> bool:
        ended = RUNS.c.status.in_(("success", "repaired"))
        found = select(func.count()).where(RUNS.c.table_name == self.prefix + table, ended)
        return bool(self.call(lambda connection: connection.execute(found).scalar_one()))

    def rows_with_lag(self) -> list[tuple[dict[str, Any], float | None]]:
        """Every table's row, and the seconds from its watermark to the database's clock."""

        def read(connection: Connection) -> list[tuple[dict[str, Any], float | None]]:
            now = self.now(connection)
            rows = connection.execute(select(WATERMARKS).order_by(WATERMARKS.c.table_name)).mappings().all()
            marks = [row["last_offload_timestamp"] for row in rows]
            lags = [None if mark is None else round((now - mark).total_seconds(), 3) for mark in marks]
            return [(dict(row), lag) for row, lag in zip(rows, lags, strict=True)]

        return self.call(read)

    def history(self, table: str | None, limit: int) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        query = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.epoch.desc()).limit(limit)
        query = query if table is None else query.where(RUNS.c.table_name == table)
        return [dict(row) for row in self.call(lambda c: c.execute(query).mappings().all())]

    def forget(self, table: str) -> None:
        """
        Delete the row of a table that was never published; its runs stay in the history.

        Raises:
            UsageError: The store has no such table.
            DataError: The table has a watermark.
            LeaseHeld: A living run has the table.
        """
        name = self.prefix + table
        mine = WATERMARKS.c.table_name == name

        def read(connection: Connection) -> tuple[dict[str, Any] | None, datetime]:
            row = connection.execute(select(WATERMARKS).where(mine)).mappings().first()
            return (dict(row) if row else None), self.now(connection)

        row, now = self.call(read)
        if row is None:
            raise UsageError("a table that offload status lists", repr(table[:80]), "offload status")
        if row["watermark_ticks"] is not None or row["cold_table_uuid"] is not None:
            raise DataError(
                f"{table} to have no watermark",
                f"rows up to {row['last_offload_timestamp']} were published",
                f"leave it in the store: offload watermark show {table}",
            )
        self._refuse_a_living_run(row, now)
        # Of the epoch that was read: a run that claims the table in between keeps its row.
        same = WATERMARKS.c.epoch == row["epoch"]
        self.call(lambda connection: connection.execute(delete(WATERMARKS).where(mine, same)))

    @override
    def keep_view(self, table: str, epoch: int, view: RecordedView | None) -> None:
        mine = WATERMARKS.c.table_name == self.prefix + table, WATERMARKS.c.epoch == epoch
        values = {"view_name": view and view.name, "view_snapshot_id": view and view.snapshot_id}
        self.call(lambda connection: connection.execute(update(WATERMARKS).where(*mine).values(**values)))

    @override
    def record_cycle(self, cycle: Cycle) -> None:
        values = {"run_id": cycle.run_id, "bound": cycle.bound, "exit_code": cycle.exit_code}
        snapshots = json.dumps(dict(cycle.snapshots))

        def write(connection: Connection) -> None:
            connection.execute(insert(CYCLES).values(**values, snapshots=snapshots, recorded_at=self.now(connection)))

        self.call(write)

    def cycles(self, limit: int) -> list[dict[str, Any]]:
        """The last cycles, newest first; `snapshots` by the table's name."""
        query = select(CYCLES).order_by(CYCLES.c.recorded_at.desc()).limit(limit)
        rows = self.call(lambda connection: connection.execute(query).mappings().all())
        return [{**row, "snapshots": snapshots_of(row["snapshots"])} for row in rows]

    @contextmanager
    @override
    def claim(self, table: str, run_id: str) -> Iterator[StoreLease]:
        lease = self._take(self.prefix + table, run_id)
        try:
            lease.start()
            yield lease
        finally:
            lease.stop()

    def _take(self, table: str, run_id: str) -> StoreLease:
        for step in count(1):
            row, now = self.call(lambda connection: self._row_and_now(connection, table))
            self._refuse_a_living_run(row, now)
            # Another process may have the lock of the next epoch, and may even be frozen: try the epoch after it.
            # The process that swaps the epoch first has the table; the others then read that it is running.
            epoch = usable_epoch(row["epoch"]) + step
            lock = self.locks.try_lock(table, epoch)
            if lock is not None:
                claim = partial(self._write_claim, row=row, epoch=epoch, run_id=run_id, lock=lock, now=now)
                try:
                    claimed = self.call(claim)
                except BaseException:
                    lock.release()
                    raise
                if claimed:
                    self.locks.remove_stale(table, epoch)
                    self.clock_ahead = (now - datetime.now(UTC)).total_seconds()
                    return StoreLease(self, table, run_id, epoch, lock, self._lease)
                lock.release()
        raise AssertionError("count() does not end")

    def _refuse_a_living_run(self, row: dict[str, Any], now: datetime) -> None:
        if row["status"] != "running" or row["owner"] in {None, NOBODY}:
            return
        last = row["heartbeat_at"] or row["claimed_at"]
        if last is None:  # a claim writes both: a hand has removed them
            return
        silent = (now - last).total_seconds()
        held = not row["locked"] or self.locks.held(row["table_name"], row["epoch"])
        # A heartbeat of the future would keep the table for ever; it counts only beside a lock that is held.
        if held and (silent <= self._lease if row["locked"] else abs(silent) <= self._lease):
            raise LeaseHeld(
                f"no living run on {row['table_name']}",
                f"run of {row['owner']}, epoch {row['epoch']}, since {row['claimed_at'] or last:%Y-%m-%dT%H:%M:%SZ}, "
                f"last heartbeat {silent:.0f} s ago",
                f"wait until it has ended, then run the command again; a dead run is replaced after {self._lease:g} s "
                "at most",
            )

    def _first_row(self, connection: Connection, table: str) -> None:
        mine = select(WATERMARKS.c.epoch).where(WATERMARKS.c.table_name == table)
        if connection.execute(mine).first():
            return
        now = self.now(connection)
        add = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        first = {"status": "initialized", "epoch": 0, "failure_count": 0, "created_at": now, "updated_at": now}
        connection.execute(add(WATERMARKS).values(table_name=table, **first).on_conflict_do_nothing())

    def _row_and_now(self, connection: Connection, table: str) -> tuple[dict[str, Any], datetime]:
        self._first_row(connection, table)
        mine = select(WATERMARKS).where(WATERMARKS.c.table_name == table)
        rows = connection.execute(mine).mappings().all()
        check_only_row(table, rows)
        return dict(rows[0]), self.now(connection)

    def _write_claim(
        self, connection: Connection, *, row: dict[str, Any], epoch: int, run_id: str, lock: Lock, now: datetime
    ) -> bool:
        """Compare and swap on the epoch: of two claims at once, one writes."""
        claimed = connection.execute(
            update(WATERMARKS)
            .where(WATERMARKS.c.table_name == row["table_name"], WATERMARKS.c.epoch == row["epoch"])
            .values(
                epoch=epoch,
                owner=self._owner,
                status="running",
                locked=lock.counts,
                claimed_at=now,
                heartbeat_at=now,
                updated_at=now,
            )
        )
        if claimed.rowcount != 1:
            return False
        table = row["table_name"]
        left = RUNS.c.table_name == table, RUNS.c.status == "running"
        connection.execute(update(RUNS).where(*left).values(status="died", finished_at=now))
        connection.execute(
            insert(RUNS).values(
                run_id=run_id,
                table_name=table,
                epoch=epoch,
                owner=self._owner,
                started_at=now,
                status="running",
            )
        )
        return True

    def now(self, connection: Connection) -> datetime:
        """The database's clock."""
        return now(connection)

    def call(self, work: Callable[[Connection], T], seconds: float | None = None) -> T:
        """Run `work` in one transaction, within `seconds` or the time-out; missing tables are created first."""
        bound = self._timeout if seconds is None else min(seconds, self._timeout)

        def run() -> T:
            self._create()
            with self._engine.begin() as connection:
                return work(connection)

        with translate_errors("OFFLOAD_WATERMARKS_URL", self._url):
            return within(bound, f"the watermark store {redacted_url(self._url)}", run)

    def _create(self) -> None:
        if self._ready:
            return
        create_tables(METADATA, self._engine)
        add_missing_columns(METADATA, self._engine)
        self._ready = True


def _connect_args(url: str, timeout: float) -> dict[str, Any]:
    return {"timeout": timeout} if url.startswith("sqlite") else {}
