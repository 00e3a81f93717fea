"""PLAN without a run, and audit: both only look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from offload.errors import DataError, OffloadError
from offload.model import windows
from offload.model.cold_table import ColdState, TableSpec, Window
from offload.ports.source import HotTable
from offload.ports.watermarks import Difference
from offload.protocol.adapters import Parts
from offload.protocol.planning import plan_splits
from offload.results import (
    TableAudit,
    TablePlan,
    error_document,
    exit_code_of,
)

Report = TypeVar("Report", TablePlan, TableAudit)


def plan(parts: Parts, spec: TableSpec, until: str | None) -> TablePlan:
    """What a run would move now; an error of this table stands in the answer."""
    return _caught(TablePlan, spec, lambda: _plan(parts, spec, until))


def audit(parts: Parts, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    """Hot against cold, from hot's oldest unexpired day to the watermark; an error stands in the answer."""
    return _caught(TableAudit, spec, lambda: _audit(parts, spec, start, end))


def _caught(report: type[Report], spec: TableSpec, call: Callable[[], Report]) -> Report:
    try:
        return call()
    except OffloadError as error:
        return report(spec.name, error=error_document(error), exit_code=exit_code_of(error))


def _plan(parts: Parts, spec: TableSpec, until: str | None) -> TablePlan:
    state = parts.lake.load(spec)
    hot = parts.source.describe(spec)
    window = choose_window(parts, hot, state, until, parts.source.now(), parts.clock.now())
    shown = windows.shown(window, hot.shape.precision)
    if window.low is not None and window.high <= window.low:
        return TablePlan(spec.name, shown)
    survey = hot.survey(window)
    cut = batches(parts, hot, window, survey.rows)
    return TablePlan(
        spec.name,
        shown,
        survey.rows,
        len(cut),
        sum(len(plan_splits(hot, batch, "", "")) for batch in cut),
        survey.without_timestamp,
        survey.possibly_expired,
    )


def choose_window(
    parts: Parts, hot: HotTable, state: ColdState | None, until: str | None, server_now: int, own_now: int
) -> Window:
    """The window after the watermark, up to the earlier of two clocks (microseconds UTC) less the buffer."""
    precision = hot.shape.precision
    limit = None if until is None else windows.ticks_of(until, precision)
    high = windows.high(server_now, own_now, parts.limits.buffer, precision, limit)
    return Window(state.token.watermark_ticks if state and state.token else None, high)


def batches(parts: Parts, hot: HotTable, window: Window, rows: int) -> Sequence[Window]:
    """The window in batches of bounded rows."""
    if rows <= parts.limits.batch_rows:
        return [window] if rows else []
    return list(
        windows.batches(
            window,
            hot.shape.precision,
            parts.limits.batch_rows,
            lambda part, bucket: hot.cells(part, bucket, clustered=False),
        )
    )


def _audit(parts: Parts, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    state = parts.lake.load(spec)
    hot = parts.source.describe(spec)
    if state is None or state.token is None or state.token.watermark_ticks is None:
        raise DataError(f"a published {spec.target} to audit", "nothing published yet", spec.command("run"))
    window = _audited(hot, state.token.watermark_ticks, start, end)
    found = compare(parts, hot, state, window)
    equal = (found.missing, found.extra, found.different) == (0, 0, 0)
    return TableAudit(
        spec.name,
        equal,
        found.hot_rows,
        found.cold_rows,
        found.missing,
        found.extra,
        found.different,
        windows.shown(window, hot.shape.precision) if window else None,
        exit_code=0 if equal else DataError.exit_code,
    )


def _audited(hot: HotTable, mark: int, start: str | None, end: str | None) -> Window | None:
    precision, oldest = hot.shape.precision, hot.oldest()
    if oldest is None:
        return None
    low = oldest if start is None else max(oldest, windows.ticks_of(start, precision))
    high = mark if end is None else min(mark, windows.ticks_of(end, precision))
    return Window(low - 1, high)


def compare(parts: Parts, hot: HotTable, state: ColdState, window: Window | None) -> Difference:
    """Hold hot against cold over a window; None: hot holds nothing to compare with."""
    if window is None or (window.low is not None and window.high <= window.low):
        return Difference(0, 0, 0, 0, 0)
    precision = hot.shape.precision
    low = None if window.low is None else windows.moment(window.low, precision).isoformat()
    bound = (hot.shape.spec.timestamp, low, windows.moment(window.high, precision).isoformat())
    return parts.verifier.compare(hot, window, parts.lake.files(state, [bound]))
