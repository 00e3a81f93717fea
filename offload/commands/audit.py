"""PLAN without a run, and audit: both only look."""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import ColdState
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import Difference
from offload.protocol.adapters import Parts
from offload.protocol.trace import _caught
from offload.results import TableAudit


def audit(parts: Parts, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    """Hot against cold, from hot's oldest unexpired day to the watermark; an error stands in the answer."""
    return _caught(TableAudit, spec, lambda: _audit(parts, spec, start, end))


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
