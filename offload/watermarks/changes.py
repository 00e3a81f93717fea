"""The log of changes of the watermark by operators, in the watermark store's database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, insert, select, update
from typing_extensions import override

from offload.ports.watermarks import WatermarkChange, WatermarkChanges
from offload.watermarks.tables import CHANGES

T = TypeVar("T")


class Database(Protocol):
    """The part of the store that the log uses; `prefix` makes the table names of one cluster distinct."""

    prefix: str

    def call(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""

    def now(self, connection: Connection) -> datetime:
        """The database's clock."""


class ChangeLog(WatermarkChanges):
    """One row for each change in `offload_watermark_changes`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    @override
    def begin(self, change: WatermarkChange) -> None:
        values = {
            "run_id": change.run_id,
            "table_name": self._store.prefix + change.table,
            "changed_by": change.changed_by,
            "reason": change.reason,
            "late_rows": change.late_rows,
            "forced": change.forced,
        }
        for which, mark in (("old", change.old), ("new", change.new)):
            values |= {f"{which}_watermark_at": mark.timestamp, f"{which}_watermark_ticks": mark.ticks}
            values[f"{which}_max_sequence"] = mark.sequence

        def write(connection: Connection) -> None:
            connection.execute(insert(CHANGES).values(**values, changed_at=self._store.now(connection)))

        self._store.call(write)

    @override
    def published(self, change: WatermarkChange, snapshot_id: int | None) -> None:
        mine = CHANGES.c.run_id == change.run_id, CHANGES.c.table_name == self._store.prefix + change.table
        self._store.call(lambda c: c.execute(update(CHANGES).where(*mine).values(snapshot_id=snapshot_id)))

    @override
    def last(self, table: str, limit: int) -> list[dict[str, Any]]:
        mine = CHANGES.c.table_name == self._store.prefix + table
        query = select(CHANGES).where(mine).order_by(CHANGES.c.changed_at.desc()).limit(limit)
        return [dict(row) for row in self._store.call(lambda c: c.execute(query).mappings().all())]
