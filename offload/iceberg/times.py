"""
The times of a table's metadata, in milliseconds since 1970 UTC.

Iceberg's Java library, and with it Spark, Trino and Flink, refuses a table whose log entries go back by more than a
minute (`TableMetadata`, "[BUG] Expected sorted snapshot log entries"). PyIceberg stamps each snapshot with this
machine's clock, and compares nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from pyiceberg.table.update import AddSnapshotUpdate

TOLERANCE = 60_000  # milliseconds; `ONE_MINUTE` in Java's TableMetadata


def stamped(updates: Sequence[Any], metadata: Any) -> tuple[Any, ...]:
    """The updates of a commit on this metadata, with snapshots later than everything that the metadata has."""
    return tuple(_later(update, metadata) if isinstance(update, AddSnapshotUpdate) else update for update in updates)


def _later(update: AddSnapshotUpdate, metadata: Any) -> AddSnapshotUpdate:
    # Equal to the last time is not enough: PyIceberg takes that for a commit without a time, and stamps it anew.
    stamp = max(update.snapshot.timestamp_ms, latest(metadata) + 1)
    return update.model_copy(update={"snapshot": update.snapshot.model_copy(update={"timestamp_ms": stamp})})


def latest(metadata: Any) -> int:
    """The latest time in the metadata."""
    logs = (metadata.snapshots, metadata.snapshot_log, metadata.metadata_log)
    stamps = [metadata.last_updated_ms, *(at for log in logs for at in _log(log))]
    return max(map(int, stamps))


def step_back(metadata: Any) -> int | None:
    """The largest step back in one of the logs that Java does not accept, in milliseconds; None: it accepts them."""
    steps = [
        before - after
        for log in (metadata.snapshot_log, metadata.metadata_log)
        for before, after in pairwise([*_log(log), metadata.last_updated_ms])
    ]
    return max((step for step in steps if step > TOLERANCE), default=None)


def _log(entries: Sequence[Any]) -> Iterator[int]:
    return (entry.timestamp_ms for entry in entries)
