"""`plan`: what the next run would move; changes nothing."""

from __future__ import annotations

from offload.model import windows
from offload.model.table import TableSpec
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads
from offload.protocol.planning import batches, choose_window, plan_splits
from offload.protocol.recover import checked
from offload.protocol.trace import reported
from offload.results import TablePlan


def plan(adapters: Adapters, spec: TableSpec, until: str | None) -> TablePlan:
    """Plan the next run, with the checks of RECOVER; an error is part of the report."""

    def planned() -> TablePlan:
        with cold_reads(adapters, spec):
            return _plan(adapters, spec, until)

    return reported(TablePlan, spec, planned)


def _plan(adapters: Adapters, spec: TableSpec, until: str | None) -> TablePlan:
    hot, state, changes = checked(adapters, spec)
    window = choose_window(adapters, hot, state, windows.Bound(until), adapters.source.now(), adapters.clock.now())
    document = windows.to_document(window, hot.schema.precision)
    if window.low is not None and window.high <= window.low:
        return TablePlan(spec.name, document, schema_changes=changes)
    stats = hot.statistics.window_stats(window)
    planned = batches(adapters.limits, hot, window, stats.rows)
    return TablePlan(
        spec.name,
        document,
        stats.rows,
        len(planned),
        sum(len(plan_splits(hot, batch, "", "")) for batch in planned),
        stats.without_timestamp,
        stats.possibly_expired,
        changes,
    )
