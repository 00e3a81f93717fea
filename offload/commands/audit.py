"""`audit`: compare hot with cold; changes nothing."""

from __future__ import annotations

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.watermarks import NO_WATERMARK
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads, compare_tiers
from offload.protocol.recover import check_not_lost
from offload.protocol.trace import reported
from offload.results import TableAudit


def audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    """
    Compare from hot's oldest unexpired day to the watermark; an error is part of the report.

    A cold table without a token was filled by another job: it is compared up to its newest row, or to `end`.
    """

    def audited() -> TableAudit:
        with cold_reads(adapters, spec):
            return _audit(adapters, spec, start, end)

    return reported(TableAudit, spec, audited)


def _audit(adapters: Adapters, spec: TableSpec, start: str | None, end: str | None) -> TableAudit:
    state = adapters.lake.load(spec)
    hot = adapters.source.describe(spec)
    if spec.declared and (state is None or state.token is None):  # of a pair that flags name, the store says nothing
        stored = adapters.watermarks.read(spec.source)
        check_not_lost(spec, state, stored.watermark if stored else NO_WATERMARK)
    if state is None or (state.token is not None and state.token.watermark_ticks is None):
        raise _nothing(spec, state)
    adapters.lake.check_columns(hot.schema, state, to_write=False)
    mark = _mark(adapters, hot, state, end)
    window = _window(hot, mark, start, end)
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
        token=state.token is not None,
        window=windows.to_document(window, hot.schema.precision) if window else None,
        exit_code=0 if difference.equal else DataError.exit_code,
    )


def _mark(adapters: Adapters, hot: HotTable, state: TableState, end: str | None) -> int:
    """
    The ticks up to which cold should have every row.

    Raises:
        DataError: Another job's table has no rows.
    """
    spec = hot.schema.spec
    if state.token and state.token.watermark_ticks is not None:
        return state.token.watermark_ticks
    if end is not None:  # it says how far the other job should have come, which may be later than it came
        return windows.ticks_of(end, hot.schema.precision)
    files = adapters.cold_files.live(state, [])
    if not files:
        raise _nothing(spec, state)
    return hot.cold_reader.newest(files)


def _nothing(spec: TableSpec, state: TableState | None) -> DataError:
    found = "no such table" if state is None else "a table without rows"
    filled = spec.command("run") if spec.declared else "fill it, or name another --target-table"
    return DataError(f"rows in {spec.target} to audit", found, filled)


def _window(hot: HotTable, mark: int, start: str | None, end: str | None) -> Window | None:
    precision, oldest = hot.schema.precision, hot.statistics.oldest()
    if oldest is None:
        return None
    low = oldest if start is None else max(oldest, windows.ticks_of(start, precision))
    high = mark if end is None else min(mark, windows.ticks_of(end, precision))
    return Window(low - 1, high)
