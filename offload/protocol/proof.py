"""
Proof: every hot row up to a time was held against cold, row by row digest, without a gap.

`verified_through` of the token is that time. It advances only by a comparison that finds each row of hot in cold, from
where the last one ended to the watermark. It goes back to before the first hour in which a row is late or changed.
"""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.coverage import Coverage
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import compare_rows


def lowered(verified: int | None, coverage: Coverage, precision: int) -> int | None:
    """The end of the proof (ticks), before the first bucket with rows that are late or changed."""
    first = coverage.unproven_from
    if verified is None or first is None:
        return verified
    ticks: int = 10**precision
    return min(verified, first * ticks - 1)


def unproven_rows(adapters: Adapters, hot: HotTable, state: TableState, window: Window) -> str | None:
    """
    The rows of a window that cold does not prove, as words; None: each is in cold, with its content.

    Cold rows that hot lacks are no matter here: hot has dropped them, or they have expired.
    """
    found = compare_rows(adapters, hot, state, window)
    missing, spec = found.missing, hot.schema.spec
    if missing and spec.key and not spec.timestamp_follows_key:
        # A redelivery under another timestamp is proven by the row that cold has of its key, if the content is equal.
        files = adapters.cold_files.live(state, hot.statistics.key_bounds(window))
        missing = hot.cold_reader.unproven(window, files)
    counts = {"missing in cold": missing, "with another content": found.different, "doubled in cold": found.doubled}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or None


def refuse_unproven(hot: HotTable, found: str) -> DataError:
    """The error where hot has rows that cold does not prove: nothing of the table is dropped."""
    spec = hot.schema.spec
    return DataError(
        f"every row of {spec.source} up to the watermark to be in {spec.target} with its content",
        f"{found}; none of these rows was dropped",
        f"{spec.command('run')}, which publishes late rows, then {spec.command('audit')}, which counts the rest",
    )


def proven_through(
    adapters: Adapters, hot: HotTable, state: TableState, verified: int | None, oldest: int
) -> tuple[int | None, str | None]:
    """
    Compare hot rows from `verified`, or the oldest one, to the watermark; return the new end, and what is not proven.

    All times are ticks.
    """
    mark = state.token.watermark_ticks if state.token else None
    if mark is None:
        return verified, None
    low = oldest - 1 if verified is None else max(verified, oldest - 1)
    if mark <= low:
        return mark if verified is None else max(verified, mark), None
    found = unproven_rows(adapters, hot, state, Window(low, mark))
    return (verified, found) if found else (mark, None)


def iso(hot: HotTable, ticks: int | None) -> str | None:
    """A time of the table as ISO 8601."""
    return windows.iso(ticks, hot.schema.precision)
