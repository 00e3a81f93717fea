"""
The commands as functions for an orchestrator, with the result objects that `--json` prints.

Each call reads the settings from the environment unless `settings` is given, and opens and closes its own connections.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from offload import wiring
from offload.commands import adopt as adopt_command
from offload.commands import audit as audit_command
from offload.commands import cycle as cycle_command
from offload.commands import init as init_command
from offload.commands import plan as plan_command
from offload.commands import watermark as watermark_command
from offload.model.table import TableSpec
from offload.ports.engine import Listener
from offload.ports.verifier import Accepted
from offload.results import RunResult, TableAudit, TablePlan, plain
from offload.settings import Settings, load
from offload.tables import declarations
from offload.tables.selection import check_layer, check_times, select


def declared_tables(settings: Settings | None = None) -> list[TableSpec]:
    """
    The declared tables, by name.

    Raises:
        ConfigurationError: A declaration is wrong.
    """
    return list(declarations.load((settings or load()).tables).values())


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


def undeclared(
    *,
    source: str,
    target: str,
    timestamp: str,
    sequence: str,
    layer: str,
    key: Sequence[str] = (),
    late: str | None = None,
    settings: Settings | None = None,
) -> TableSpec:
    """
    The declaration that flags make, or that of the declared table with this source.

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
    )


def init(
    source: str,
    *,
    target: str | None = None,
    layer: str = "bronze",
    folder: Path | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """
    Write a declaration from what ClickHouse's own catalog says of a table; it is a proposal for a person to check.

    Args:
        source: `table` or `database.table`.
        target: Its Iceberg table; None: the same name in the namespace `cold`.
        layer: bronze, silver or gold.
        folder: Where to write it; None: the setting `tables`, else `tables` in the working folder.
        settings: Instead of the environment.

    Raises:
        UsageError: A name is no identifier, or the layer is unknown.
        DataError: There is no such table, or it has no column that can be the timestamp or the sequence.
        ConfigurationError: The declaration exists already, or cannot be written.
    """
    chosen = settings or load()
    for what, name in (("TABLE", source), ("--target", target)):
        if name is not None:
            declarations.check_name(what, name)
    check_layer(layer)
    with wiring.open_adapters(chosen) as adapters:
        proposal = init_command.propose(adapters.source.outline(source), target, layer)
    file = declarations.write(folder or chosen.tables or Path("tables"), proposal.spec.name, proposal.toml())
    return {"table": proposal.spec.name, "file": str(file), "notes": list(proposal.notes), "toml": proposal.toml()}


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


def audit(
    names: Iterable[str] = (),
    *,
    start: str | None = None,
    end: str | None = None,
    spec: TableSpec | None = None,
    settings: Settings | None = None,
) -> list[TableAudit]:
    """
    Compare hot and cold from hot's oldest unexpired day (or `start`) to the watermark (or `end`), ISO 8601.

    Raises:
        UsageError: A table is unknown, or `start` or `end` is no time.
    """
    check_times(start, end)
    chosen = settings or load()
    specs = [spec] if spec else select(declarations.load(chosen.tables), names, None)
    with wiring.open_adapters(chosen) as adapters:
        return [audit_command.audit(adapters, one, start, end) for one in specs]


def adopt(
    name: str,
    *,
    accept_missing: int = 0,
    accept_extra: int = 0,
    accept_different: int = 0,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """
    Take over a cold table that another job filled.

    The three counts accept exactly so many rows that cold lacks, that hot lacks, or whose content differs. They go on
    being counted, by `run` as late and by `audit`.

    Raises:
        UsageError: The table is unknown.
        DataError: Hot and cold have different rows.
        LeaseHeld: A run has the table.
    """
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    with wiring.open_adapters(chosen) as adapters:
        accepted = Accepted(accept_missing, accept_extra, accept_different)
        return adopt_command.adopt(adapters, spec, uuid.uuid4().hex, accepted)


def status(*, history: int = 0, cycles: int = 0, settings: Settings | None = None) -> dict[str, Any]:
    """
    Watermark, lag in seconds, last run and failures per table.

    `history`: that many last runs too; `cycles`: that many last cycles, each with the snapshots that belong together.
    """
    store = wiring.watermarks(settings or load())
    rows = [plain({**row, "lag_seconds": lag}) for row, lag in store.rows_with_lag()]
    document: dict[str, Any] = {"tables": rows}
    if history:
        document["runs"] = [plain(row) for row in store.history(None, history)]
    if cycles:
        document["cycles"] = [plain(row) for row in store.cycles(cycles)]
    return document


def forget(table: str, *, settings: Settings | None = None) -> None:
    """
    Remove a table from `status` that was never published, such as a misspelt one; its runs stay in the history.

    Args:
        table: Its name as `status` shows it, declared or not.
        settings: Instead of the environment.

    Raises:
        UsageError: The store has no such table.
        DataError: The table has a watermark.
        LeaseHeld: A run has the table.
    """
    wiring.watermarks(settings or load()).forget(table)


def show_watermark(name: str, *, settings: Settings | None = None) -> dict[str, Any]:
    """
    The store's row beside the Iceberg table's token.

    Raises:
        UsageError: The table is unknown.
    """
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    with wiring.open_adapters(chosen) as adapters:
        return watermark_command.show_watermark(adapters, spec)


def repair_watermark(name: str, *, settings: Settings | None = None) -> dict[str, Any]:
    """
    Set the store to the Iceberg table's value.

    Raises:
        UsageError: The table is unknown.
        LeaseHeld: A run has the table.
    """
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    with wiring.open_adapters(chosen) as adapters:
        return watermark_command.repair_watermark(adapters, spec, uuid.uuid4().hex)
