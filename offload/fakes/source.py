"""A hot table and a clock in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from offload.model.columns import MICROSECONDS, Column, TableSchema, TypeMapping
from offload.model.fingerprint import HASH_MODULUS, Fingerprint, SourceFingerprint
from offload.model.splits import BucketCount, Chunk
from offload.model.table import PartitionField, TableSpec
from offload.model.token import SourceIdentity
from offload.model.windows import Window
from offload.ports.source import Bound, ChunkStream, WindowStats

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
_SHAPE = TableSchema(
    FAKE_SPEC,
    (
        Column("id", TypeMapping("string", "String", text=True)),
        Column("at", TypeMapping("timestamptz", "DateTime64(6, 'UTC')", converts=True)),
        Column("seq", TypeMapping("long", "Int64")),
    ),
    MICROSECONDS,
)


def fingerprint(rows: Sequence[Row]) -> Fingerprint:
    """An order-independent digest, as the real one."""
    return Fingerprint(len(rows), sum(hash(row) for row in rows) % HASH_MODULUS)


class FakeClock:
    """A clock that stands until it is set; microseconds UTC."""

    def __init__(self, now: int = 0) -> None:
        self.time = now

    def now(self) -> int:
        """Microseconds since 1970 UTC."""
        return self.time


@dataclass
class FakeHot:
    """A hot table that may hold a row several times; it is its own source."""

    clock: FakeClock
    rows: list[Row] = field(default_factory=list)
    identity: SourceIdentity = field(default=SourceIdentity("hot", "default"))
    stored_bytes_per_row: float = 0.0

    @property
    def schema(self) -> TableSchema:
        """The shape of every fake table."""
        return _SHAPE

    def describe(self, spec: TableSpec) -> FakeHot:  # noqa: ARG002  # the port names it
        """Itself, whatever is asked for."""
        return self

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""
        return self.clock.now()

    def within(self, window: Window) -> list[Row]:
        """The rows of a window, once each."""
        low = window.low
        return sorted({row for row in self.rows if (low is None or row[1] > low) and row[1] <= window.high})

    def one_batch(self, window: Window) -> None:
        """Nothing is ever set aside."""

    def window_stats(self, window: Window) -> WindowStats:
        """Count raw rows."""
        low = window.low
        return WindowStats(sum((low is None or at > low) and at <= window.high for _, at in self.rows), 0, 0)

    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        """Count rows per bucket, in one partition."""
        starts = sorted(at - at % bucket for _, at in self.within(window))
        partition = ("1970-01-01",) if clustered else ()
        return [BucketCount(partition, None, start, starts.count(start)) for start in dict.fromkeys(starts)]

    def count(self, chunk: Chunk) -> int:
        """How many rows a piece has."""
        return len(self.within(chunk.window))

    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        """Fingerprint the rows of a piece."""
        rows = self.within(chunk.window)
        return SourceFingerprint(fingerprint(rows), max((at for _, at in rows), default=None))

    def read(self, chunk: Chunk) -> ChunkStream:
        """The rows of a piece, as one list."""
        return ChunkStream((rows for rows in [self.within(chunk.window)]), partial(self.fingerprint, chunk))

    def sequence_at(self, ticks: int) -> int | None:
        """The timestamp stands for the sequence."""
        return ticks

    def key_bounds(self, window: Window) -> list[Bound]:  # noqa: ARG002
        """No bounds."""
        return []

    def oldest(self) -> int | None:
        """The oldest row's timestamp."""
        return min((at for _, at in self.rows), default=None)
