"""The benchmark's tables: on a terminal, and in Markdown for the documents."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from figures import Line
from promises import Promise
from rich.console import Console
from rich.table import Table

MEASURED = ("schema", "rows", "who", "s (median)", "rows/s", "peak MB", "times ours", "each s")
PROMISED = ("promised", "bound", "found", "kept")
TRIAL = "a trial: the promised figures are of 3,800,000 and 20,000,000 rows"


def show(lines: Sequence[Line], promises: Sequence[Promise]) -> None:
    """Print what was measured, and which promises it keeps."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    for head, body in _tables(lines, promises):
        table = Table(*head)
        for row in body:
            table.add_row(*row)
        console.print(table)
    if not promises:
        console.print(TRIAL)


def markdown(lines: Sequence[Line], promises: Sequence[Promise]) -> str:
    """The same for docs/bench.md."""
    parts = [
        "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))
        for head, body in _tables(lines, promises)
    ]
    return "\n\n".join([*parts, *([] if promises else [TRIAL])]) + "\n"


def _tables(lines: Sequence[Line], promises: Sequence[Promise]) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    measured = (MEASURED, [_measured(line) for line in lines])
    return [measured, (PROMISED, [_promised(one) for one in promises])] if promises else [measured]


def _measured(line: Line) -> tuple[str, ...]:
    return (
        line.case.schema,
        line.case.words,
        line.contender,
        f"{line.seconds:.2f}",
        f"{line.rows_per_second:,}",
        f"{line.peak_mb:,}",
        "" if line.times_ours is None else f"{line.times_ours:.2f}",
        " ".join(f"{seconds:.2f}" for seconds in line.each_seconds),
    )


def _promised(one: Promise) -> tuple[str, ...]:
    bound = f"{'at least' if one.at_least else 'at most'} {one.bound:,}"
    return one.text, bound, f"{one.found:,}", "yes" if one.kept else "NO"
