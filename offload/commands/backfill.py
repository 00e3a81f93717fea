"""`backfill`: publish the rows of a range that cold lacks, below the watermark, which does not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offload.errors import UsageError
from offload.model import windows
from offload.model.steps import Step
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads
from offload.protocol.reconciliation.late_rows import (
    LateRows,
    compared,
    count_deleted,
    count_late,
    late_windows,
    late_within,
)
from offload.protocol.reconciliation.sweep import publish_late, warn_gone
from offload.protocol.recover import checked, recover, watermark_of
from offload.protocol.session import Session, claimed
from offload.protocol.trace import RunTrace, result_of
from offload.results import TableResult


def backfill(
    adapters: Adapters, spec: TableSpec, run_id: str, start: str, end: str, listeners: Sequence[Listener] = ()
) -> TableResult:
    """
    Publish the hot rows of a range whose keys cold lacks, as the sweep does, also where `late` is `skip`.

    An error is part of the result, but for those below; batches that were published before it stay published.

    Args:
        adapters: One per port.
        spec: The table.
        run_id: Id of the command.
        start: ISO 8601, inclusive.
        end: ISO 8601, inclusive; not after the watermark.
        listeners: Called with each event.

    Raises:
        UsageError: The range is empty or ends after the watermark, or the table has no key.
        DataError: The table has no watermark.
    """
    _check(adapters, spec, start, end)
    trace = RunTrace(spec, listeners)

    def steps() -> str:
        with claimed(adapters, trace, run_id) as session, cold_reads(adapters, spec):
            _backfill(session, start, end)
        return trace.moved

    return result_of(trace, steps)


def count_missing(adapters: Adapters, spec: TableSpec, start: str, end: str) -> TableResult:
    """Count what `backfill` would publish, with the checks of RECOVER and its errors; writes nothing, has no lease."""
    _check(adapters, spec, start, end)
    trace = RunTrace(spec)

    def steps() -> str:
        with cold_reads(adapters, spec):
            hot, state, _ = checked(adapters, spec)
            watermark = watermark_of(spec, state)
            trace.state, trace.precision = state, hot.schema.precision
            trace.window = _window(spec, watermark, hot.schema.precision, start, end)
            if state:
                count_late(trace, late_within(adapters.cold_files, hot, state, trace.window))
        return "planned"

    return result_of(trace, steps)


def _backfill(session: Session, start: str, end: str) -> None:
    step, trace, cold_files = session.trace.step, session.trace, session.adapters.cold_files
    with step(Step.RECOVER):
        hot, state = recover(session, only_below=True)
        watermark = watermark_of(session.spec, state)
    with step(Step.PLAN):
        window = trace.window = _window(session.spec, watermark, hot.schema.precision, start, end)
        # Counts of all buckets are part of a commit: so they are compared first, as in a run.
        comparison = compared(cold_files, hot, state, watermark)
        state = replace(state, coverage=comparison.coverage)
        found = late_within(cold_files, hot, state, window)
        count_late(trace, found)
        swept_at = state.token.swept_at if state.token else None
        count_deleted(session, hot, comparison, swept_at)
        late = LateRows(found.late, found.changed, swept_at, watermark, state.coverage)
        parts = late_windows(cold_files, hot, state, window) if found.late else []
    for part in parts:
        state = publish_late(session, hot, state, part, late)
    warn_gone(session, found.late - trace.counters.rows)
    with step(Step.RECORD):
        session.lease.record(trace.outcome("success"))


def _check(adapters: Adapters, spec: TableSpec, start: str, end: str) -> None:
    """Refuse before the lease is claimed: a command that was typed wrongly is no failure of the table."""
    if not spec.key:
        raise UsageError(
            f"{spec.name} to have a key, which tells the rows that cold has",
            "no key",
            f"count them: {spec.command('audit')}; or declare a key (docs/tables.md), then {spec.command('adopt')}",
        )
    _refuse_empty(spec, windows.inclusive(start, end, windows.MICROSECOND_DIGITS), start, end)
    state = adapters.lake.load(spec)
    if state and state.token and state.token.watermark_ticks is not None:
        _window(spec, state.token.watermark_ticks, state.token.precision, start, end)
        return
    stored = adapters.watermarks.read(spec.source)
    if not (state and state.records) and (stored is None or stored.watermark.ticks is None):
        watermark_of(spec, state)
    # Else the table was filled, dropped or recreated by others: RECOVER says so.


def _window(spec: TableSpec, watermark: int, precision: int, start: str, end: str) -> Window:
    window = windows.inclusive(start, end, precision)
    _refuse_empty(spec, window, start, end)
    if windows.microseconds(window.high, precision) > windows.microseconds(watermark, precision):
        raise UsageError(
            f"--to not after the watermark of {spec.name}, {windows.iso(watermark, precision)}",
            end,
            f"{spec.command('run')}, which moves the rows after it",
        )
    return Window(window.low, min(window.high, watermark))


def _refuse_empty(spec: TableSpec, window: Window, start: str, end: str) -> None:
    if window.low is not None and window.high <= window.low:
        raise UsageError(
            f"--from before --to for {spec.name}, both inclusive, and a time between them that the column can have",
            f"--from {start} --to {end}",
            f"{spec.command('backfill')} --from TS --to TS",
        )
