"""
The tables of the watermark store.

The names in `offload_watermarks` are those of the system that Tidemark replaces, so that operators' SQL keeps working.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, Numeric, String, Table, Text
from sqlalchemy.types import TypeDecorator

from offload.errors import DataError
from offload.model.counters import Counters
from offload.ports.view import RecordedView
from offload.ports.watermarks import TableWatermark

NOBODY = "nobody"


class Unsigned(TypeDecorator[int]):
    """A UInt64: NUMERIC(20) in Postgres, text in SQLite, whose integers are signed. Invalid text reads as NULL."""

    impl = Numeric(20, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String(20) if dialect.name == "sqlite" else Numeric(20, 0))

    def process_bind_param(self, value: int | None, dialect: Any) -> Any:
        return None if value is None else str(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Any) -> int | None:  # noqa: ARG002  # the signature is given
        try:
            return None if value is None else int(value)
        except ValueError:
            return None


class Utc(TypeDecorator[datetime]):
    """A time in UTC: TIMESTAMPTZ in Postgres, ISO 8601 text in SQLite. Invalid text reads as NULL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Any) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is None or isinstance(value, datetime):
            return value and value.astimezone(UTC)
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)


METADATA = MetaData()

WATERMARKS = Table(
    "offload_watermarks",
    METADATA,
    Column("table_name", String(255), primary_key=True),
    Column("last_offload_timestamp", Utc),
    Column("last_offload_max_sequence", Unsigned),
    Column("last_offload_row_count", BigInteger),
    Column("status", String(32)),
    Column("last_successful_run", Utc),
    Column("last_run_duration_seconds", Float),
    Column("failure_count", Integer),
    Column("last_error_message", Text),
    Column("created_at", Utc),
    Column("updated_at", Utc),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", String(255)),
    Column("locked", Boolean),
    Column("claimed_at", Utc),
    Column("heartbeat_at", Utc),
    Column("watermark_ticks", BigInteger),
    Column("cold_table_uuid", String(64)),
    Column("view_name", String(255)),
    Column("view_snapshot_id", BigInteger),
    Column("verified_through", Utc),
    Column("expired_through", Utc),
)

RUNS = Table(
    "offload_runs",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("table_name", String(255), primary_key=True),
    Column("epoch", BigInteger),
    Column("owner", String(255)),
    Column("started_at", Utc),
    Column("finished_at", Utc),
    Column("status", String(32)),
    *(Column(counter.name, BigInteger) for counter in fields(Counters)),
    Column("snapshot_id", BigInteger),
    Column("watermark_at", Utc),
    Column("error", Text),
)


CHANGES = Table(
    "offload_watermark_changes",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("table_name", String(255), primary_key=True),
    Column("changed_at", Utc),
    Column("changed_by", String(255)),
    Column("reason", Text),
    Column("old_watermark_at", Utc),
    Column("old_watermark_ticks", BigInteger),
    Column("old_max_sequence", Unsigned),
    Column("new_watermark_at", Utc),
    Column("new_watermark_ticks", BigInteger),
    Column("new_max_sequence", Unsigned),
    Column("late_rows", BigInteger),
    Column("forced", Boolean),
    Column("snapshot_id", BigInteger),  # NULL: not published, or killed before it was known
)


LARGEST_EPOCH = 2**62


def usable_epoch(stored: Any) -> int:
    """
    The epoch of a row; 0 for one that no run can have written.

    RECOVER raises it above the Iceberg table's, as after a restore of an older store.
    """
    return stored if isinstance(stored, int) and 0 <= stored < LARGEST_EPOCH else 0


def check_only_row(table: str, rows: Sequence[Any]) -> None:
    """
    Check that a table has one row, or none.

    Raises:
        DataError: There are several.
    """
    if len(rows) > 1:
        raise DataError(
            f"one row of {table} in offload_watermarks",
            f"{len(rows)} rows: the primary key was lost, as in a restore without constraints",
            "delete the rows but the one of the largest epoch, then ALTER TABLE offload_watermarks ADD PRIMARY KEY "
            "(table_name)",
        )


CYCLES = Table(
    "offload_cycles",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("bound", Utc),
    Column("recorded_at", Utc),
    Column("exit_code", Integer),
    Column("snapshots", Text),  # JSON: a snapshot id, or null, by the table's name
)


def snapshots_of(text: str | None) -> dict[str, int | None]:
    """The snapshots of a cycle by the table's name; invalid text reads as none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def columns_of(watermark: TableWatermark) -> dict[str, Any]:
    """The columns of `offload_watermarks` that follow the Iceberg table."""
    return {
        "last_offload_timestamp": watermark.timestamp,
        "last_offload_max_sequence": watermark.sequence,
        "watermark_ticks": watermark.ticks,
        "cold_table_uuid": watermark.table_uuid,
        "verified_through": watermark.verified_through,
        "expired_through": watermark.expired_through,
    }


def watermark_of(row: Mapping[str, Any]) -> TableWatermark:
    """The reverse of `columns_of`, from a row of `offload_watermarks`."""
    return TableWatermark(
        row["watermark_ticks"],
        row["last_offload_timestamp"],
        row["last_offload_max_sequence"],
        row["cold_table_uuid"],
        row["verified_through"],
        row["expired_through"],
    )


def view_of(row: Mapping[str, Any]) -> RecordedView | None:
    """The view that runs keep up to date; None: there is none."""
    return RecordedView(row["view_name"], row["view_snapshot_id"]) if row["view_name"] else None
