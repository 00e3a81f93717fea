"""A cycle: bronze tables side by side, then silver, then gold, all up to one bound; and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import groupby
from threading import Event

from offload.commands.run import run
from offload.errors import OffloadError, most_severe
from offload.model import windows
from offload.model.steps import StepEvent
from offload.model.table import LAYERS, TableSpec
from offload.model.windows import Bound
from offload.ports.engine import Listener
from offload.ports.watermarks import Cycle
from offload.protocol.adapters import Adapters
from offload.results import RunResult, TableResult, error_document


def run_cycle(
    adapters: Adapters,
    specs: Sequence[TableSpec],
    run_id: str,
    *,
    jobs: int,
    until: str | None = None,
    listeners: Sequence[Listener] = (),
) -> RunResult:
    """
    Run tables layer by layer, so that a layer is read when the one before it has been moved.

    No window ends after the bound, which the first table that plans decides: so the snapshots of one cycle belong
    together. A table that fails stops no other; the error of a record that could not be written is the result's own.

    Args:
        adapters: One per port; used by several threads at once.
        specs: The tables.
        run_id: Id of the cycle, the same for all its tables.
        jobs: Tables of one layer that run at once.
        until: ISO 8601; the bound is not later than that.
        listeners: Called with each event, by several threads at once.
    """
    bound = Bound(until)
    interrupted = Event()

    def stop(_event: StepEvent) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt

    def one(spec: TableSpec) -> TableResult:
        return run(adapters, spec, run_id, bound=bound, listeners=(stop, *listeners))

    done: dict[str, TableResult] = {}
    for _, layer in groupby(sorted(specs, key=lambda spec: LAYERS.index(spec.layer)), key=lambda spec: spec.layer):
        done |= _layer(list(layer), one, jobs, interrupted)
    end = windows.iso(bound.end, windows.MICROSECOND_DIGITS)
    result = RunResult(run_id, tuple(done[spec.source] for spec in specs), end)
    return _recorded(adapters, result, bound)


def _layer(
    specs: Sequence[TableSpec], one: Callable[[TableSpec], TableResult], jobs: int, interrupted: Event
) -> dict[str, TableResult]:
    """The results of one layer by source; Ctrl-C ends each running table at its next event, and begins no other."""
    if jobs == 1 or len(specs) == 1:
        return {spec.source: one(spec) for spec in specs}
    with ThreadPoolExecutor(jobs, thread_name_prefix="table") as pool:
        running = {spec.source: pool.submit(copy_context().run, one, spec) for spec in specs}
        try:
            return {source: table.result() for source, table in running.items()}
        except KeyboardInterrupt:
            interrupted.set()
            for table in running.values():
                table.cancel()
            raise


def _recorded(adapters: Adapters, result: RunResult, bound: Bound) -> RunResult:
    snapshots = {table.table: table.snapshot_id for table in result.tables}
    code = most_severe([table.exit_code for table in result.tables])
    end = None if bound.end is None else windows.to_datetime(bound.end, windows.MICROSECOND_DIGITS)
    try:
        adapters.cycles.record_cycle(Cycle(result.run_id, end, code, snapshots))
    except OffloadError as error:
        return RunResult(result.run_id, result.tables, result.bound, error_document(error), error.exit_code)
    return result
