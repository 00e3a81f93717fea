"""`run`: move the rows after the watermark, batch by batch: RECOVER, PLAN, WRITE, VERIFY, PUBLISH, RECORD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.steps import Step
from offload.model.table import TableSpec
from offload.model.windows import Bound
from offload.ports.engine import Listener
from offload.ports.source import HotTable
from offload.protocol import view_refresh
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads
from offload.protocol.planning import Batch, BatchPlanner, check_clocks, choose_window, open_ticks
from offload.protocol.publish import publish, publish_coverage
from offload.protocol.reconciliation.corrections import correct, replaces, warn_left
from offload.protocol.reconciliation.late_rows import LateRows, check_late_rows, sweeps
from offload.protocol.reconciliation.sweep import sweep
from offload.protocol.recover import recover
from offload.protocol.session import Session, claimed
from offload.protocol.trace import RunTrace, result_of
from offload.protocol.transfer import transfer
from offload.protocol.ttl_guard import guard_after, hold, settle
from offload.results import TableResult


def run(
    adapters: Adapters,
    spec: TableSpec,
    run_id: str,
    *,
    until: str | None = None,
    bound: Bound | None = None,
    listeners: Sequence[Listener] = (),
) -> TableResult:
    """
    Run one table. An error is part of the result; batches that were published before it stay published.

    Args:
        adapters: One per port.
        spec: The table.
        run_id: Id of the whole run, the same for all its tables.
        until: ISO 8601; the window ends there at the latest.
        bound: The bound of the cycle, instead of `until`.
        listeners: Called with each event.
    """
    trace = RunTrace(spec, listeners)

    def steps() -> str:
        try:
            with claimed(adapters, trace, run_id) as session, cold_reads(adapters, spec):
                _run_steps(session, bound or Bound(until))
        except Exception as error:
            guard_after(adapters, trace, error)
            raise
        return trace.moved

    return result_of(trace, steps)


def _run_steps(session: Session, bound: Bound) -> None:
    step = session.trace.step
    with step(Step.RECOVER):
        hot, state = recover(session)
        hold(session, hot, state)
    state, planner, batch, late = _plan(session, hot, state, bound)
    while batch:
        state = _move(session, hot, state, planner, batch, late)
        if not planner.has_more:
            break
        with step(Step.PLAN):
            batch = planner.next(state)
    if late.to_keep and not session.trace.counters.batches:
        state = publish_coverage(session, hot, state, late)
    state = settle(session, hot, state)
    with step(Step.RECORD):
        view_refresh.refresh(session, hot, state)
        session.lease.record(session.trace.outcome("success"))


def _plan(
    session: Session, hot: HotTable, state: TableState, bound: Bound
) -> tuple[TableState, BatchPlanner, Batch | None, LateRows]:
    """Choose the window, sweep late rows, and plan the first batch."""
    adapters, step = session.adapters, session.trace.step
    with step(Step.PLAN):
        server_now, own_now = adapters.source.now(), adapters.clock.now()
        check_clocks(session, server_now, own_now)
        window = session.trace.window = choose_window(adapters, hot, state, bound, server_now, own_now)
        late = check_late_rows(session, hot, state, server_now)
        state = replace(state, coverage=late.coverage)
        planner = BatchPlanner(session, hot, window)
        # A clock that went back ends the window before the watermark as well: that is no reason to leave rows late.
        ends = None if bound.until is None else windows.ticks(bound.until, hot.schema.precision) - open_ticks(hot)
        moved = ends is None or window.low is None or ends >= window.low
        left = late.coverage.left_out if moved and sweeps(session.spec) else late.rows
        if left:
            session.trace.warn(f"{left} late rows at or below the watermark are not in {session.spec.target}")
        sweeping, correcting = left < late.rows, bool(moved and late.changed and replaces(session.spec))
        if not (sweeping or correcting):
            warn_left(session, late)
            return state, planner, planner.next(state), late
    if sweeping:
        state, late = sweep(session, hot, state, late, server_now)
    if correcting:
        state, late = correct(session, hot, state, late)
    warn_left(session, late)
    with step(Step.PLAN):
        return state, planner, planner.next(state), late


def _move(
    session: Session, hot: HotTable, state: TableState, planner: BatchPlanner, batch: Batch, late: LateRows
) -> TableState:
    """Write, verify and publish one batch."""
    moved = transfer(session, hot, state, batch)
    session.trace.count(duplicates_dropped=moved.copies)
    if moved.files:
        return publish(session, hot, state, batch, moved.files, late)
    if not moved.vanished:  # every row of the batch is in cold already
        planner.passed(batch)
    return state
