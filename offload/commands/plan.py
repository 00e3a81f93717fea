"""`plan`: what a run would move now; writes nothing."""

from __future__ import annotations

from offload.model import windows
from offload.model.table import TableSpec
from offload.protocol.adapters import Adapters
from offload.protocol.planning import batches, choose_window, plan_splits
from offload.protocol.trace import _caught
from offload.results import TablePlan


def plan(adapters: Adapters, spec: TableSpec, until: str | None) -> TablePlan:
    """What a run would move now; an error of this table stands in the answer."""
    return _caught(TablePlan, spec, lambda: _plan(adapters, spec, until))


def _plan(adapters: Adapters, spec: TableSpec, until: str | None) -> TablePlan:
    state = adapters.lake.load(spec)
    hot = adapters.source.describe(spec)
    window = choose_window(adapters, hot, state, until, adapters.source.now(), adapters.clock.now())
    shown = windows.to_document(window, hot.schema.precision)
    if window.low is not None and window.high <= window.low:
        return TablePlan(spec.name, shown)
    window_stats = hot.window_stats(window)
    cut = batches(adapters, hot, window, window_stats.rows)
    return TablePlan(
        spec.name,
        shown,
        window_stats.rows,
        len(cut),
        sum(len(plan_splits(hot, batch, "", "")) for batch in cut),
        window_stats.without_timestamp,
        window_stats.possibly_expired,
    )
