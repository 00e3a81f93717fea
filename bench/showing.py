"""The benchmark's tables on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from figures import Line
from promises import Promise
from rich.console import Console
from rich.table import Table


def show(lines: Sequence[Line], promises: Sequence[Promise]) -> None:
    """Print what was measured, and which promises it keeps."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    measured = Table("schema", "rows", "who", "s (median)", "rows/s", "peak MB", "times ours", "each s")
    for line in lines:
        measured.add_row(
            line.case.schema,
            line.case.words,
            line.contender,
            f"{line.seconds:.2f}",
            f"{line.rows_per_second:,}",
            f"{line.peak_mb:,}",
            "" if line.times_ours is None else f"{line.times_ours:.2f}",
            " ".join(f"{seconds:.2f}" for seconds in line.each_seconds),
        )
    console.print(measured)
    if not promises:
        console.print("a trial: the promised figures are of 3,800,000 and 20,000,000 rows")
        return
    kept = Table("promised", "bound", "found", "kept")
    for one in promises:
        bound = f"{'at least' if one.at_least else 'at most'} {one.bound:,g}"
        kept.add_row(one.said, bound, f"{one.found:,g}", "yes" if one.kept else "NO")
    console.print(kept)
