"""`audit`: compare hot with cold; changes nothing."""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.watermarks import NO_WATERMARK
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import compare_tiers
from offload.protocol.recover import check_not_lost
from offload.protocol.trace import reported
from offload.results import TableAudit


def audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    """Compare from hot's oldest unexpired day to the watermark; an error is part of the report."""
    return reported(TableAudit, spec, lambda: _audit(adapters, spec, start, end))


def _audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    state = adapters.lake.load(spec)
    hot = adapters.source.describe(spec)
    if state is None or state.token is None or state.token.watermark_ticks is None:
        stored = adapters.watermarks.read(spec.source)
        check_not_lost(spec, state, stored.watermark if stored else NO_WATERMARK)
        raise DataError(f"published rows in {spec.target} to audit", "none published yet", spec.command("run"))
    adapters.lake.check_columns(hot.schema, state)
    window = _window(hot, state.token.watermark_ticks, start, end)
    difference = compare_tiers(adapters, hot, state, window)
    return TableAudit(
        spec.name,
        difference.equal,
        difference.hot_rows,
        difference.cold_rows,
        difference.missing,
        difference.extra,
        difference.different,
        difference.doubled,
        windows.to_document(window, hot.schema.precision) if window else None,
        exit_code=0 if difference.equal else DataError.exit_code,
    )


def _window(hot: HotTable, mark: int, start: str | None, end: str | None) -> Window | None:
    precision, oldest = hot.schema.precision, hot.statistics.oldest()
    if oldest is None:
        return None
    low = oldest if start is None else max(oldest, windows.ticks_of(start, precision))
    high = mark if end is None else min(mark, windows.ticks_of(end, precision))
    return Window(low - 1, high)
