"""Commands that report and change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from offload import wiring
from offload.commands import audit as audit_command
from offload.commands import doctor as doctor_command
from offload.commands import watermark as watermark_command
from offload.model.table import TableSpec
from offload.results import HealthReport, TableAudit, plain
from offload.settings import Settings, load
from offload.tables import declarations
from offload.tables.selection import check_order, select


def declared_tables(settings: Settings | None = None) -> list[TableSpec]:
    """
    The declared tables, by name.

    Raises:
        ConfigurationError: A declaration is wrong.
    """
    return list(declarations.load((settings or load()).tables).values())


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
        UsageError: A table is unknown, or `start` or `end` is no time, or `start` is after `end`.
    """
    check_order(start, end)
    chosen = settings or load()
    specs = [spec] if spec else select(declarations.load(chosen.tables), names, None)
    with wiring.open_adapters(chosen) as adapters:
        return [audit_command.audit(adapters, one, start, end) for one in specs]


def doctor(names: Iterable[str] = (), *, layer: str | None = None, settings: Settings | None = None) -> HealthReport:
    """
    Check every server, permission, clock and version, and some tables; a check that fails is part of the report.

    A row that it writes is rolled back, and a file that it writes into the warehouse is removed again.

    Args:
        names: Declared tables; none: all of them.
        layer: Only tables of this layer.
        settings: Instead of the environment.

    Raises:
        UsageError: A table or the layer is unknown.
    """
    with ExitStack() as closed:
        return doctor_command.doctor(
            lambda: closed.enter_context(wiring.open_probes(settings or load())),
            lambda: declarations.load((settings or load()).tables),
            names,
            layer,
        )


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
