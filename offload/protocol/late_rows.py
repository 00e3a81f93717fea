"""
Late rows: hot rows at or below the watermark that the cold table lacks.

No stamp of arrival is asked: a row may become visible long after it was stamped (a replica that lags, a partition that
is attached, a restore, a long INSERT). The raw rows of hot are counted by hour or day, and compared with the counts of
the published rows, which the cold table keeps. Only where they differ, keys are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from offload.model.cold_table import TableState
from offload.model.coverage import Coverage, window_of
from offload.model.fingerprint import Fingerprint
from offload.model.table import TableSpec
from offload.model.windows import Window, clip
from offload.ports.lake import ColdFiles
from offload.ports.source import HotTable
from offload.ports.verifier import LateAndChanged
from offload.protocol.planning import files_within
from offload.protocol.session import Session
from offload.protocol.trace import RunTrace

NOTHING = LateAndChanged(0)
NEVER = Fingerprint(-1, 0)  # no count: equal to none
ONE_BY_ONE = 16  # more buckets than that are first compared as one, which finds at once that none has late rows


@dataclass(frozen=True)
class LateRows:
    """
    The result of one check for late rows.

    Attributes:
        rows: Their number.
        changed: Published rows that hot has changed.
        swept_at: Time of the last check that found none, microseconds UTC on the source's clock; None: no such check.
        run_from: The watermark (ticks) that the run started from; None: from the first row.
        coverage: The coverage of the cold table, as the check left it.
    """

    rows: int
    changed: int
    swept_at: int | None
    run_from: int | None
    coverage: Coverage


def sweeps(spec: TableSpec) -> bool:
    """Whether late rows are published: as declared, and where a key tells which of them cold has already."""
    return spec.late == "sweep" and bool(spec.key)


def check_late_rows(session: Session, hot: HotTable, state: TableState, now: int) -> LateRows:
    """Count late and changed rows, and warn about changed ones; `now` is the source's clock in microseconds UTC."""
    token = state.token
    if token is None or token.watermark_ticks is None:
        return LateRows(0, 0, now, None, state.coverage)
    coverage = compared(session.adapters.cold_files, hot, state, token.watermark_ticks)
    rows = coverage.late
    count_late(session.trace, LateAndChanged(rows, coverage.changed))
    return LateRows(rows, coverage.changed, token.swept_at if rows else now, token.watermark_ticks, coverage)


def count_late(trace: RunTrace, found: LateAndChanged) -> None:
    """Count late and changed rows, and warn about changed ones."""
    trace.count(late_rows=found.late, changed_rows=found.changed)
    if found.changed:
        trace.warn(f"{found.changed} published rows have another content in {trace.spec.source} now")


def compared(cold_files: ColdFiles, hot: HotTable, state: TableState, watermark: int) -> Coverage:
    """The coverage of a cold table (whose watermark is in ticks), after every bucket that differs was compared."""
    below = Window(None, watermark)
    before = hot.cold_reader.counts(below, state.coverage.hours_from)
    coverage = state.coverage.only(before)
    changed = coverage.unexplained(before)
    if not changed:
        return coverage

    def late(first: int, last: int) -> LateAndChanged:
        window = window_of(first, last + coverage.span(last) - first, watermark, hot.schema.precision)
        return late_within(cold_files, hot, state, window)

    none = len(changed) > ONE_BY_ONE and late(changed[0], changed[-1]) == NOTHING
    found = {start: NOTHING if none else late(start, start) for start in changed}
    # A bucket that changed during the comparison is compared again by the next run.
    after = hot.cold_reader.counts(below, state.coverage.hours_from)
    for start, one in found.items():
        raw = before[start] if after.get(start) == before[start] else NEVER
        coverage = coverage.compared(start, raw, one.late, one.changed)
    return coverage


def late_within(cold_files: ColdFiles, hot: HotTable, state: TableState, window: Window) -> LateAndChanged:
    """How many keys of a window in hot the cold table lacks, or has with another content."""
    return hot.cold_reader.late(window, partial(files_within, cold_files, hot, state))


def late_windows(cold_files: ColdFiles, hot: HotTable, state: TableState, window: Window) -> list[Window]:
    """The parts of a window that have keys which cold lacks, by the buckets of the coverage; neighbours are one."""
    parts: list[Window] = []
    second = 10**hot.schema.precision
    for start in sorted(hot.cold_reader.counts(window, state.coverage.hours_from)):
        part = clip(window, start * second, state.coverage.span(start) * second)
        if not late_within(cold_files, hot, state, part).late:
            continue
        if parts and parts[-1].high == part.low:
            parts[-1] = Window(parts[-1].low, part.high)
        else:
            parts.append(part)
    return parts
