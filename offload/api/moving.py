"""Commands that move rows, and the plan of a run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from offload import wiring
from offload.commands import backfill as backfill_command
from offload.commands import cycle as cycle_command
from offload.commands import plan as plan_command
from offload.model.table import TableSpec
from offload.ports.engine import Listener
from offload.results import RunResult, TablePlan, TableResult
from offload.settings import Settings, load
from offload.tables import declarations
from offload.tables.selection import check_times, select


def run(
    names: Iterable[str] = (),
    *,
    layer: str | None = None,
    until: str | None = None,
    late: str | None = None,
    jobs: int | None = None,
    spec: TableSpec | None = None,
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
) -> RunResult:
    """
    Offload tables: bronze, then silver, then gold, those of one layer side by side. One that fails stops no other.

    Args:
        names: Declared tables; none: all of them.
        layer: Only tables of this layer.
        until: ISO 8601 (UTC without a zone); no row later than this is moved.
        late: `sweep` or `skip`, instead of the declared value.
        jobs: Tables of one layer that run at once, instead of the setting.
        spec: One table instead of `names`; see `undeclared`.
        settings: Instead of the environment.
        listeners: Called with each event of each run, by several threads at once.

    Returns:
        The result. An error of a table is not raised: see `RunResult.exit_code` and `error` of each table.

    Raises:
        UsageError: A table or the layer is unknown, or `until` is no time.
        ConfigurationError: A setting or a declaration is wrong.
    """
    check_times(until)
    chosen = settings or load()
    specs = [spec] if spec else select(declarations.load(chosen.tables), names, layer)
    if late:
        specs = [declarations.with_late(one, late) for one in specs]
    run_id = uuid.uuid4().hex
    with wiring.open_adapters(chosen) as adapters:
        return cycle_command.run_cycle(
            adapters, specs, run_id, jobs=jobs or chosen.jobs, until=until, listeners=listeners
        )


def plan(
    names: Iterable[str] = (),
    *,
    layer: str | None = None,
    until: str | None = None,
    spec: TableSpec | None = None,
    settings: Settings | None = None,
) -> list[TablePlan]:
    """
    The windows and row counts of a run now; writes nothing. The arguments are those of `run`.

    Raises:
        UsageError: A table or the layer is unknown, or `until` is no time.
        ConfigurationError: A setting or a declaration is wrong.
    """
    check_times(until)
    chosen = settings or load()
    specs = [spec] if spec else select(declarations.load(chosen.tables), names, layer)
    with wiring.open_adapters(chosen) as adapters:
        return [plan_command.plan(adapters, one, until) for one in specs]


def backfill(
    name: str,
    start: str,
    end: str,
    *,
    dry_run: bool = False,
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
) -> TableResult:
    """
    Publish the rows of a range that cold lacks, also where `late` is `skip`; the watermark stays.

    Args:
        name: A declared table.
        start: ISO 8601 (UTC without a zone), inclusive.
        end: The same; not after the watermark.
        dry_run: Only count them, in `late_rows`; the status is then `planned`.
        settings: Instead of the environment.
        listeners: Called with each event.

    Returns:
        The result. An error is not raised but for those below: see its `error` and `exit_code`.

    Raises:
        UsageError: The table is unknown or has no key, or the range is empty or ends after the watermark.
        DataError: The table has no watermark.
        ConfigurationError: A setting or a declaration is wrong.
    """
    check_times(start, end)
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    with wiring.open_adapters(chosen) as adapters:
        if dry_run:
            return backfill_command.count_missing(adapters, spec, start, end)
        return backfill_command.backfill(adapters, spec, uuid.uuid4().hex, start, end, listeners)


def undeclared(
    *,
    source: str,
    target: str,
    timestamp: str,
    sequence: str,
    layer: str | None = None,
    key: Sequence[str] = (),
    late: str | None = None,
    any_target: bool = False,
    settings: Settings | None = None,
) -> TableSpec:
    """
    The declaration that flags make, or that of the declared table with this source.

    `layer` None: that of the declaration, else bronze. `any_target`: a declared source may have another target, which
    is for `audit` only.

    Raises:
        UsageError: A flag contradicts the declaration, or a name is no identifier.
    """
    known = declarations.load((settings or load()).tables)
    return declarations.from_flags(
        known,
        source=source,
        target=target,
        timestamp=timestamp,
        sequence=sequence,
        layer=layer,
        key=tuple(key),
        late=late,
        any_target=any_target,
    )
