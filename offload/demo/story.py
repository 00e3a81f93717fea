"""The steps of the demo so far: the rows of its summary table, and a check of the row counts after each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any

from rich.console import Console
from rich.table import Table

from offload.demo import cold
from offload.demo.workspace import CompletedRun, Workspace
from offload.errors import DataError


@dataclass(frozen=True)
class StoryRow:
    """
    One row of the summary table.

    Attributes:
        name: The step.
        rows: Rows that the step inserted, offloaded or compared.
        seconds: Wall time.
        dropped: Duplicates that the run dropped. None: the step drops none.
        duplicates: Rows in Iceberg beyond the first of each key. None: the step does not count them.
        outcome: A sentence on the result, without its full stop.
    """

    name: str
    rows: int
    seconds: float
    dropped: int | None = None
    duplicates: int | None = None
    outcome: str = ""


@dataclass
class Story:
    """
    The demo so far.

    Attributes:
        steps: The finished steps, oldest first.
        hot: Trades per hot table; a trade that was delivered twice counts once.
        hot_history: Times (seconds since 1970 UTC) and the trades in all hot tables from then on; the first is 0.
        cold: Rows per cold table at the last read.
    """

    workspace: Workspace
    console: Console
    steps: list[StoryRow] = field(default_factory=list)
    hot: dict[str, int] = field(default_factory=dict)
    hot_history: list[tuple[float, int]] = field(default_factory=lambda: [(time(), 0)])
    cold: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def status(self, activity: str) -> Iterator[None]:
        """Show the current activity on a terminal until the end of the block."""
        with self.console.status(activity):
            yield

    def emit(self, step: StoryRow) -> None:
        """Add a finished step and print it."""
        self.steps.append(step)
        outcome = f" {step.outcome}." if step.outcome else ""
        line = f"{step.name}: {step.rows:,} trades in {step.seconds:.1f} s.{outcome}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def record_hot(self, counts: dict[str, int]) -> None:
        """Set the number of trades per hot table, and add a point to its history."""
        self.hot = counts
        self.hot_history.append((time(), sum(counts.values())))

    def record_offload(self, name: str, run: CompletedRun) -> None:
        """
        Read the cold tables, check them against the hot tables and against the run's own report, then print the step.

        Raises:
            DataError: The cold tables have other counts than the hot tables or than the report, or have duplicates.
        """
        tables = run.document["tables"]
        rows, dropped = sum(table["rows"] for table in tables), sum(table["duplicates_dropped"] for table in tables)
        missing = sum(self.hot.values()) - sum(self.cold.values())
        duplicates = self.read_cold()
        expect("the run to publish every trade that Iceberg lacked", missing, rows)
        expect("Iceberg to have every trade of ClickHouse", self.hot, self.cold)
        expect("no duplicate trade in Iceberg", 0, duplicates)
        outcome = "Iceberg has as many trades as ClickHouse, and no duplicates"
        self.emit(StoryRow(name, rows, run.seconds, dropped, duplicates, outcome))

    def read_cold(self) -> int:
        """Read the row counts of the cold tables; return the number of rows beyond the first of each key."""
        with cold.opened(self.workspace.catalog_uri, self.workspace.warehouse) as tables:
            self.cold = tables.rows()
            return tables.duplicates()

    def table(self) -> Table:
        """The summary table, for a terminal."""
        table = Table(title="Summary")
        for heading in ("step", "rows", "seconds", "rows/s", "duplicates dropped", "duplicates in Iceberg"):
            table.add_column(heading, justify="left" if heading == "step" else "right")
        for step in self.steps:
            rate = f"{step.rows / step.seconds:,.0f}" if step.rows and step.seconds else ""
            counts = ("" if number is None else f"{number:,}" for number in (step.dropped, step.duplicates))
            table.add_row(step.name, f"{step.rows:,}", f"{step.seconds:.1f}", rate, *counts)
        return table


def expect(description: str, expected: Any, found: Any) -> None:
    """
    Check that two values are equal.

    Raises:
        DataError: They differ.
    """
    if expected != found:
        raise DataError(
            f"{description} ({expected})", str(found), "this is a bug in Tidemark: please report it with this output"
        )
