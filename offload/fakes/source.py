"""A hot table and a clock in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from typing_extensions import override

from offload.fakes.view import FakeView
from offload.model.columns import MICROSECONDS, Column, TableSchema, TypeMapping
from offload.model.fingerprint import HASH_MODULUS, Fingerprint, SourceFingerprint
from offload.model.outline import OutlineColumn, TableOutline
from offload.model.splits import BatchKind, BucketCount, Chunk
from offload.model.table import PartitionField, TableSpec
from offload.model.token import SourceIdentity
from offload.model.windows import Window
from offload.ports.partitions import HotPart, HotPartition, HotPartitions
from offload.ports.source import (
    Bound,
    ChunkStream,
    Clock,
    DeletionLog,
    HotRows,
    HotStatistics,
    HotTable,
    Source,
    WindowStats,
)
from offload.ports.verifier import ColdReader, Verifier

Row = tuple[str, int]
FAKE_SPEC = TableSpec(
    "trades",
    "trades",
    "cold.trades",
    "bronze",
    "at",
    "seq",
    key=("id",),
    timestamp_follows_key=True,
    sort=("at", "seq"),
    partition=(PartitionField("at", "day"),),
)
FAKE_SCHEMA = TableSchema(
    FAKE_SPEC,
    (
        Column("id", TypeMapping("string", "String", text=True)),
        Column("at", TypeMapping("timestamptz", "DateTime64(6, 'UTC')", converts=True)),
        Column("seq", TypeMapping("long", "Int64")),
    ),
    MICROSECONDS,
)


def fingerprint(rows: Sequence[Row]) -> Fingerprint:
    """An order-independent digest, like the real one."""
    return Fingerprint(len(rows), sum(hash(row) for row in rows) % HASH_MODULUS)


class FakeClock(Clock):
    """A clock that changes only when it is set; microseconds UTC."""

    def __init__(self, now: int = 0) -> None:
        self.time = now

    @override
    def now(self) -> int:
        return self.time


@dataclass
class FakeRows(HotRows, HotStatistics, DeletionLog):
    """The rows of a hot table, which may have a row more than once."""

    rows: list[Row] = field(default_factory=list)
    files: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def within(self, window: Window) -> list[Row]:
        """The rows of a window, each once, sorted."""
        low = window.low
        return sorted({row for row in self.rows if (low is None or row[1] > low) and row[1] <= window.high})

    @override
    def for_batch(self, window: Window, existing: Sequence[str] = (), kind: BatchKind = BatchKind.NEW) -> FakeRows:
        known = {row for path in existing for row in self.files[path]}
        return FakeRows([row for row in self.rows if row not in known]) if known else self

    @override
    def deduplicated(self) -> FakeRows:
        return self

    @override
    def count(self, chunk: Chunk) -> int:
        return len(self.within(chunk.window))

    @override
    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        rows = self.within(chunk.window)
        return SourceFingerprint(fingerprint(rows), max((at for _, at in rows), default=None))

    @override
    def read(self, chunk: Chunk) -> ChunkStream:
        return ChunkStream((rows for rows in [self.within(chunk.window)]), partial(self.fingerprint, chunk))

    @override
    def window_stats(self, window: Window) -> WindowStats:
        return WindowStats(len(self._raw(window)), 0, 0)

    def _raw(self, window: Window) -> list[Row]:
        low = window.low
        return [(key, at) for key, at in self.rows if (low is None or at > low) and at <= window.high]

    @override
    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        starts = sorted(at - at % bucket for _, at in self._raw(window))
        partition = ("1970-01-01",) if clustered else ()
        return [BucketCount(partition, None, start, starts.count(start)) for start in dict.fromkeys(starts)]

    @override
    def key_bounds(self, window: Window) -> list[Bound]:
        return []

    @override
    def sequence_at(self, ticks: int) -> int | None:
        return ticks

    @override
    def oldest(self) -> int | None:
        return min((at for _, at in self.rows), default=None)

    @override
    def since(self, time: int | None) -> Sequence[str]:
        return ()


@dataclass
class FakePartitions(HotPartitions):
    """One partition of one part, whose name is the number of its rows."""

    hot: FakeRows

    @override
    def listed(self, partition: str | None = None) -> list[HotPartition]:
        times = [at for _, at in self.hot.rows]
        part = HotPart(str(len(times)), len(times), len(times))
        return [HotPartition("all", min(times), max(times), (part,))] if times else []

    @override
    def drop(self, part: str) -> bool:
        if part != str(len(self.hot.rows)):
            return False
        self.hot.rows.clear()
        return True

    @override
    def ttl_merges(self, *, allowed: bool) -> str:
        return "a table in memory has no TTL"


@dataclass
class FakeSource(Source):
    """A source with one hot table, whatever table is described."""

    clock: FakeClock
    rows: FakeRows
    verifier: Verifier
    cold_reader: ColdReader
    view: FakeView = field(default_factory=FakeView)

    @override
    def describe(self, spec: TableSpec) -> HotTable:
        identity = SourceIdentity("hot", (), "default")
        return HotTable(
            schema=FAKE_SCHEMA,
            identity=identity,
            stored_bytes_per_row=0.0,
            rows=self.rows,
            statistics=self.rows,
            verifier=self.verifier,
            cold_reader=self.cold_reader,
            view=self.view,
            deletions=self.rows,
            partitions=FakePartitions(self.rows),
        )

    @override
    def outline(self, source: str) -> TableOutline:
        columns = tuple(
            OutlineColumn(one.name, one.mapping.clickhouse, one.mapping.iceberg, "", plain=True, default=None)
            for one in FAKE_SCHEMA.columns
        )
        return TableOutline(
            source, "MergeTree", None, replacing=False, columns=columns, sorting_key=(), partitioned_by=(), ttl=None
        )

    @override
    def now(self) -> int:
        return self.clock.now()
