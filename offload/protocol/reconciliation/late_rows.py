"""
Late rows: hot rows at or below the watermark that the cold table lacks; and deleted rows, which hot lacks.

No stamp of arrival is asked: a row may become visible long after it was stamped (a replica that lags, a partition that
is attached, a restore, a long INSERT). The raw rows of hot are counted by hour or day, and compared with the counts of
the published rows, which the cold table keeps. Only where they differ, keys are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from offload.model.cold_table import TableState
from offload.model.coverage import Counts, Coverage, window_of
from offload.model.deletion import Deletion
from offload.model.fingerprint import Fingerprint
from offload.model.table import TableSpec
from offload.model.windows import DAY, Window, clip
from offload.ports.lake import ColdFiles
from offload.ports.source import HotTable
from offload.ports.verifier import LateAndChanged
from offload.protocol.planning import files_within
from offload.protocol.reconciliation.deleted_rows import warn_of_deletions
from offload.protocol.session import Session
from offload.protocol.trace import RunTrace

NEVER = Fingerprint(-1, 0)  # no count: equal to none
Compare = Callable[[int, int], LateAndChanged]  # a span, from its first second to the one after it
ONE_BY_ONE = 16  # more buckets than that are first compared as one, which finds at once that nothing differs


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
        to_keep: Whether the coverage must be committed although no row is: or the next run would report a deletion
            again, or not report the next one.
    """

    rows: int
    changed: int
    swept_at: int | None
    run_from: int | None
    coverage: Coverage
    to_keep: bool = False


@dataclass(frozen=True)
class Comparison:
    """A coverage after every bucket that differs was compared, and the deletions that were found by it."""

    coverage: Coverage
    deletions: tuple[Deletion, ...] = ()


def sweeps(spec: TableSpec) -> bool:
    """Whether late rows are published: as declared, and where a key tells which of them cold has already."""
    return spec.late == "sweep" and bool(spec.key)


def check_late_rows(session: Session, hot: HotTable, state: TableState, now: int) -> LateRows:
    """
    Count late, changed and deleted rows, and warn about changed and deleted ones.

    `now` is the source's clock in microseconds UTC.
    """
    token = state.token
    if token is None or token.watermark_ticks is None:
        return LateRows(0, 0, now, None, state.coverage)
    found = compared(session.adapters.cold_files, hot, state, token.watermark_ticks)
    coverage, deleted = found.coverage, sum(one.rows for one in found.deletions)
    rows = coverage.late
    count_late(session.trace, LateAndChanged(rows, coverage.changed))
    count_deleted(session, hot, found, token.swept_at)
    swept_at = token.swept_at if rows else now
    to_keep = bool(deleted) or coverage.expects_more_than(state.coverage)
    return LateRows(rows, coverage.changed, swept_at, token.watermark_ticks, coverage, to_keep)


def count_late(trace: RunTrace, found: LateAndChanged) -> None:
    """Count late and changed rows, and warn about changed ones that are kept."""
    trace.count(late_rows=found.late, changed_rows=found.changed)
    if found.changed and trace.spec.changed == "keep":
        trace.warn(f"{found.changed} published rows have another content in {trace.spec.source} now")


def count_deleted(session: Session, hot: HotTable, found: Comparison, since: int | None) -> None:
    """Count deleted rows and warn about them; `since`: the last check that found no late rows, microseconds UTC."""
    if deleted := sum(one.rows for one in found.deletions):
        session.trace.count(deleted_rows=deleted)
        warn_of_deletions(session, hot, found.deletions, since)


def compared(cold_files: ColdFiles, hot: HotTable, state: TableState, watermark: int) -> Comparison:
    """Compare every bucket of a cold table (whose watermark is in ticks) that differs from hot."""
    counts = partial(hot.cold_reader.counts, Window(None, watermark), state.coverage.hours_from)
    before = counts()
    coverage = state.coverage.only(before)
    changed = coverage.unexplained(before)
    expected = state.coverage.after(_expired(state))
    if not changed and not expected.emptied(before):
        return Comparison(coverage)

    def late(first: int, end: int) -> LateAndChanged:
        return late_within(cold_files, hot, state, window_of(first, end - first, watermark, hot.schema.precision))

    found = {
        start: one
        for group in _neighbours(coverage, changed)
        for start, one in _compared_buckets(coverage, group, late).items()
    }
    # A bucket that changed during the comparison is compared again by the next run.
    after, deletions = counts() if found else before, list(_emptied(expected, before, late))
    for start, one in found.items():
        raw = before[start] if after.get(start) == before[start] else NEVER
        deleted = coverage.kept(start, start + 1) - one.kept
        if deleted > 0 and start in expected.buckets:
            deletions.append(Deletion(start, start + coverage.span(start), deleted))
        coverage = coverage.compared(start, raw, one.late, one.changed, one.kept)
    return Comparison(coverage, tuple(deletions))


def _expired(state: TableState) -> int | None:
    """The second up to which `expire-hot` has dropped hot rows; None: it has dropped none."""
    token = state.token
    return None if token is None or token.expired_through is None else token.expired_through // 10**token.precision


def _neighbours(coverage: Coverage, starts: Sequence[int]) -> Iterator[list[int]]:
    """Buckets that may be compared as one: a gap of more than a day would have files read that no bucket needs."""
    group: list[int] = []
    for start in starts:
        if group and start - (group[-1] + coverage.span(group[-1])) > DAY:
            yield group
            group = []
        group.append(start)
    if group:
        yield group


def _compared_buckets(coverage: Coverage, group: Sequence[int], late: Compare) -> Mapping[int, LateAndChanged]:
    ends = {start: start + coverage.span(start) for start in group}
    if len(group) > ONE_BY_ONE:
        whole = late(group[0], ends[group[-1]])
        if whole.nothing:
            published = dict.fromkeys(group, 0)
            for hour, rows in whole.published.items():
                if (start := coverage.start(hour)) in published:
                    published[start] += rows
            return {start: LateAndChanged(0, published={start: rows}) for start, rows in published.items()}
    return {start: late(start, end) for start, end in ends.items()}


def _emptied(known: Coverage, counts: Counts, late: Compare) -> Iterator[Deletion]:
    """Deletions that left no row of a bucket in hot, which is asked again: an answer that was lost empties no table."""
    for first, end in known.emptied(counts):
        if (rows := known.kept(first, end) - late(first, end).kept) > 0:
            yield Deletion(first, end, rows, emptied=True)


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
