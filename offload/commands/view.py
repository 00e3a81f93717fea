"""`view`: one ClickHouse view of hot and cold rows, which later runs keep up to date."""

from __future__ import annotations

from typing import Any

from offload.errors import DataError
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.ports.watermarks import RunOutcome, TableWatermark
from offload.protocol import view_refresh as views
from offload.protocol.adapters import Adapters
from offload.protocol.recover import recover
from offload.protocol.session import claimed
from offload.protocol.trace import RunTrace


def show_view(adapters: Adapters, spec: TableSpec, name: str | None) -> dict[str, Any]:
    """
    The statement that would create the view now; changes nothing.

    Raises:
        DataError: The table was not published yet.
    """
    state = _published(spec, adapters.lake.load(spec))
    hot = adapters.source.describe(spec)
    statement = hot.view.statement(_name(spec, name), views.viewed(adapters.cold_files, state))
    return _document(spec, name, state, statement=statement)


def create_view(adapters: Adapters, spec: TableSpec, run_id: str, name: str | None) -> dict[str, Any]:
    """
    Create the view, or replace it, and let later runs keep it up to date.

    Raises:
        DataError: The table was not published yet, or a table has the name of the view.
        LeaseHeld: A run has the table.
    """
    _published(spec, adapters.lake.load(spec))
    with claimed(adapters, RunTrace(spec), run_id) as session:
        hot, state = recover(session)
        before = session.trace.view
        views.create(session, hot, state, _name(spec, name))
        if before and before.name != _name(spec, name):
            hot.view.drop(before.name)
        session.lease.record(RunOutcome("repaired", TableWatermark.of(state)))
    return _document(spec, name, state, change="created")


def drop_view(adapters: Adapters, spec: TableSpec, run_id: str) -> dict[str, Any]:
    """
    Drop the view that runs keep up to date.

    Raises:
        DataError: There is none.
        LeaseHeld: A run has the table.
    """
    stored = adapters.watermarks.read(spec.source)
    if stored is None or stored.view is None:
        raise DataError(f"a view of {spec.name}", "none that a run keeps up to date", spec.command("view"))
    with claimed(adapters, RunTrace(spec), run_id) as session:
        adapters.source.describe(spec).view.drop(stored.view.name)
        adapters.views.keep_view(spec.source, session.lease.epoch, None)
        session.lease.record(RunOutcome("repaired", stored.watermark))
    return _document(spec, stored.view.name, adapters.lake.load(spec), change="dropped")


def _name(spec: TableSpec, name: str | None) -> str:
    return name or f"{spec.source}_all"


def _published(spec: TableSpec, state: TableState | None) -> TableState:
    if state is None or state.token is None:
        raise DataError(f"a published table {spec.target}", "none, or one that no run has filled", spec.command("run"))
    return state


def _document(
    spec: TableSpec,
    name: str | None,
    state: TableState | None,
    *,
    statement: str | None = None,
    change: str | None = None,
) -> dict[str, Any]:
    return {
        "table": spec.name,
        "view": _name(spec, name),
        "snapshot_id": state and state.snapshot_id,
        "change": change,
        "statement": statement,
    }
