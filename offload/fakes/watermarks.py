"""A watermark store with one row, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from typing_extensions import override

from offload.errors import Fenced, LeaseHeld
from offload.ports.view import RecordedView
from offload.ports.watermarks import (
    NO_WATERMARK,
    Cycle,
    Cycles,
    Lease,
    RunOutcome,
    StoredWatermark,
    TableWatermark,
    Views,
    WatermarkChange,
    WatermarkChanges,
    Watermarks,
)


@dataclass(frozen=True)
class FakeRow:
    """What the store has: the epoch, the run that has the lease (None: no run), and the watermark."""

    epoch: int = 0
    owner: str | None = None
    watermark: TableWatermark = NO_WATERMARK
    view: RecordedView | None = None


@dataclass
class FakeChanges(WatermarkChanges):
    """The changes in the order in which they began, and the snapshots of those that were published."""

    begun: list[WatermarkChange] = field(default_factory=list)
    snapshots: dict[str, int | None] = field(default_factory=dict)

    @override
    def begin(self, change: WatermarkChange) -> None:
        self.begun.append(change)

    @override
    def published(self, change: WatermarkChange, snapshot_id: int | None) -> None:
        self.snapshots[change.run_id] = snapshot_id

    @override
    def last(self, table: str, limit: int) -> list[dict[str, Any]]:
        return [{**asdict(one), "snapshot_id": self.snapshots.get(one.run_id)} for one in self.begun[::-1][:limit]]


@dataclass
class FakeWatermarks(Watermarks, Cycles, Views):
    """One row for every table; a lease is held until `record`, unless its owner is set `dead`."""

    row: FakeRow = field(default_factory=FakeRow)
    dead: bool = False
    clock_ahead: float = 0.0
    published: list[tuple[int, int]] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)

    @override
    def read(self, table: str) -> StoredWatermark | None:
        return StoredWatermark(self.row.watermark, view=self.row.view)

    @override
    def rows_since(self, table: str, epoch: int) -> int:
        return sum(rows for run, rows in self.published if run > epoch)

    @override
    def keep_view(self, table: str, epoch: int, view: RecordedView | None) -> None:
        if self.row.epoch == epoch:
            self.row = replace(self.row, view=view)

    @override
    def record_cycle(self, cycle: Cycle) -> None:
        self.cycles.append(cycle)

    @override
    def knows(self, table: str) -> bool:
        return bool(self.published)

    @contextmanager
    @override
    def claim(self, table: str, run_id: str) -> Iterator[FakeLease]:
        if self.row.owner is not None and not self.dead:
            raise LeaseHeld(f"no living run on {table}", self.row.owner, "wait until it has ended")
        self.dead = False
        self.row = replace(self.row, epoch=self.row.epoch + 1, owner=run_id)
        yield FakeLease(self, self.row.epoch)


@dataclass
class FakeLease(Lease):
    """A claimed row."""

    store: FakeWatermarks
    epoch: int

    @override
    def raise_epoch(self, above: int) -> None:
        self.check()
        self.epoch = max(self.epoch, above + 1)
        self.store.row = replace(self.store.row, epoch=self.epoch)

    @override
    def check(self) -> None:
        if self.store.row.epoch != self.epoch:
            raise Fenced(f"epoch {self.epoch}", f"epoch {self.store.row.epoch}", "offload run")

    @override
    def repair(self, watermark: TableWatermark) -> None:
        self.check()
        self.store.row = replace(self.store.row, watermark=watermark)

    @override
    def record(self, outcome: RunOutcome) -> None:
        self.check()
        self.store.row = replace(self.store.row, owner=None)
        self.store.published.append((self.epoch, outcome.counters.rows))
        if outcome.watermark:
            self.repair(outcome.watermark)
