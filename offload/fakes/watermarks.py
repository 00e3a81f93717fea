"""A watermark store of one row, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from offload.errors import Fenced, LeaseHeld
from offload.ports.watermarks import RunOutcome, TableWatermark


@dataclass
class FakeWatermarks:
    """One row per table; a claim lives until `recorded`, unless its holder is said to be `dead`."""

    row: dict[str, Any] = field(default_factory=lambda: {"epoch": 0, "owner": None, "watermark_ticks": None})
    dead: bool = False

    def read(self, table: str) -> dict[str, Any] | None:  # noqa: ARG002
        """The row."""
        return dict(self.row)

    @contextmanager
    def claim(self, table: str, run_id: str) -> Iterator[FakeLease]:
        """Take the lease, unless a living run has it."""
        if self.row["owner"] is not None and not self.dead:
            raise LeaseHeld(f"nobody at work on {table}", str(self.row["owner"]), "wait")
        self.dead = False
        self.row |= {"epoch": self.row["epoch"] + 1, "owner": run_id}
        yield FakeLease(self, self.row["epoch"])


@dataclass
class FakeLease:
    """A claimed row."""

    store: FakeWatermarks
    epoch: int

    def raise_epoch(self, above: int) -> None:
        """Make the epoch larger than one seen in the table."""
        self.check()
        self.epoch = self.store.row["epoch"] = max(self.epoch, above + 1)

    def check(self) -> None:
        """Raise unless the epoch is still ours."""
        if self.store.row["epoch"] != self.epoch:
            raise Fenced(f"epoch {self.epoch}", str(self.store.row["epoch"]), "offload run")

    def repair(self, catchup: TableWatermark) -> None:
        """Put the row to the table's value."""
        self.check()
        self.store.row |= {"watermark_ticks": catchup.ticks, "cold_table_uuid": catchup.table_uuid}

    def record(self, outcome: RunOutcome) -> None:
        """Catch up and release."""
        self.check()
        self.store.row["owner"] = None
        if outcome.catchup:
            self.repair(outcome.catchup)
