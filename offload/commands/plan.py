"""`plan`: what a run would move now; writes nothing."""

from __future__ import annotations

from offload.model import windows
from offload.model.table import TableSpec
from offload.protocol.adapters import Parts
from offload.protocol.planning import batches, choose_window, plan_splits
from offload.protocol.trace import _caught
from offload.results import TablePlan


def plan(parts: Parts, spec: TableSpec, until: str | None) -> TablePlan:
    """What a run would move now; an error of this table stands in the answer."""
    return _caught(TablePlan, spec, lambda: _plan(parts, spec, until))


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
