"""PLAN without a run, and audit: both only look."""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import Difference
from offload.protocol.adapters import Adapters
from offload.protocol.trace import _caught
from offload.results import TableAudit


def audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    """Hot against cold, from hot's oldest unexpired day to the watermark; an error stands in the answer."""
    return _caught(TableAudit, spec, lambda: _audit(adapters, spec, start, end))


def _audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    state = adapters.lake.load(spec)
    hot = adapters.source.describe(spec)
    if state is None or state.token is None or state.token.watermark_ticks is None:
        raise DataError(f"a published {spec.target} to audit", "nothing published yet", spec.command("run"))
    window = _audited(hot, state.token.watermark_ticks, start, end)
    found = compare(adapters, hot, state, window)
    equal = (found.missing, found.extra, found.different) == (0, 0, 0)
    return TableAudit(
        spec.name,
        equal,
        found.hot_rows,
        found.cold_rows,
        found.missing,
        found.extra,
        found.different,
        windows.to_document(window, hot.schema.precision) if window else None,
        exit_code=0 if equal else DataError.exit_code,
    )


def _audited(hot: HotTable, mark: int, start: str | None, end: str | None) -> Window | None:
    precision, oldest = hot.schema.precision, hot.oldest()
    if oldest is None:
        return None
    low = oldest if start is None else max(oldest, windows.ticks_of(start, precision))
    high = mark if end is None else min(mark, windows.ticks_of(end, precision))
    return Window(low - 1, high)


def compare(adapters: Adapters, hot: HotTable, state: TableState, window: Window | None) -> Difference:
    """Hold hot against cold over a window; None: hot holds nothing to compare with."""
    if window is None or (window.low is not None and window.high <= window.low):
        return Difference(0, 0, 0, 0, 0)
    precision = hot.schema.precision
    low = None if window.low is None else windows.to_datetime(window.low, precision).isoformat()
    bound = (hot.schema.spec.timestamp, low, windows.to_datetime(window.high, precision).isoformat())
    return adapters.verifier.compare(hot, window, adapters.lake.files(state, [bound]))
