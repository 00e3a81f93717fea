"""What happened so far in the demo: its steps as a table, and the counts that each must leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any

from rich.console import Console
from rich.table import Table

from offload.demo import cold
from offload.demo.stage import Finished, Stage
from offload.errors import DataError


@dataclass(frozen=True)
class Step:
    """One line of the table; `rows` went in or across, in `seconds` of wall time."""

    name: str
    rows: int
    seconds: float
    dropped: int | None = None
    repeated: int | None = None
    outcome: str = ""


@dataclass
class Story:
    """
    The demo's memory.

    Attributes:
        hot: Trades per hot table, each counted once.
        hot_line: Moments (seconds since 1970 UTC), and the trades in hot from then on; begins with the demo.
        cold: Rows per cold table, as a reader last saw them.
    """

    stage: Stage
    console: Console
    steps: list[Step] = field(default_factory=list)
    hot: dict[str, int] = field(default_factory=dict)
    hot_line: list[tuple[float, int]] = field(default_factory=lambda: [(time(), 0)])
    cold: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show what is being done, on a terminal as long as it lasts."""
        with self.console.status(what):
            yield

    def emit(self, step: Step) -> None:
        """Add a step and show it."""
        self.steps.append(step)
        line = f"{step.name}: {step.rows:,} trades in {step.seconds:.1f} s. {step.outcome}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def filled(self, counts: dict[str, int]) -> None:
        """Hot holds so many trades now."""
        self.hot = counts
        self.hot_line.append((time(), sum(counts.values())))

    def offloaded(self, name: str, run: Finished) -> None:
        """
        Tell a run that succeeded, once a reader has seen that cold holds what hot does, and published what it says.

        Raises:
            DataError: Cold holds anything else.
        """
        tables = run.document["tables"]
        rows, dropped = sum(table["rows"] for table in tables), sum(table["duplicates_dropped"] for table in tables)
        lacking = sum(self.hot.values()) - sum(self.cold.values())
        repeated = self.fingerprint()
        expect("the run to publish what Iceberg lacked", lacking, rows)
        expect("Iceberg to hold every trade of ClickHouse", self.hot, self.cold)
        expect("no trade twice", 0, repeated)
        self.emit(Step(name, rows, run.seconds, dropped, repeated, "Iceberg = ClickHouse"))

    def fingerprint(self) -> int:
        """See cold as a reader does; returns the rows that repeat another's key."""
        with cold.opened(self.stage.catalog_uri, self.stage.warehouse) as reader:
            self.cold = reader.rows()
            return reader.repeated()

    def table(self) -> Table:
        """What happened, for people."""
        table = Table(title="What happened")
        for heading in ("step", "rows", "seconds", "rows/s", "duplicates dropped", "duplicates in Iceberg"):
            table.add_column(heading, justify="left" if heading == "step" else "right")
        for step in self.steps:
            rate = f"{step.rows / step.seconds:,.0f}" if step.rows and step.seconds else ""
            counts = ("" if number is None else f"{number:,}" for number in (step.dropped, step.repeated))
            table.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", rate, *counts)
        return table


def expect(what: str, right: Any, found: Any) -> None:
    """
    Compare what must be with what is.

    Raises:
        DataError: They differ.
    """
    if right != found:
        raise DataError(f"{what} ({right})", str(found), "this is a bug in Tidemark: please report it with this output")
