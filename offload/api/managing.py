"""Commands of an operator: a declaration, a table that another job filled, the watermark store."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offload import wiring
from offload.commands import adopt as adopt_command
from offload.commands import expire_hot as expire_command
from offload.commands import init as init_command
from offload.commands import set_watermark as set_command
from offload.commands import view as view_command
from offload.commands import watermark as watermark_command
from offload.errors import UsageError
from offload.ports.engine import Listener
from offload.ports.verifier import Accepted
from offload.settings import Settings, load, seconds
from offload.tables import declarations
from offload.tables.selection import check_layer, check_times, select


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
    if target is not None and "." not in target:
        raise UsageError("a namespace and a name, such as cold.trades, in --target", repr(target), "correct --target")
    check_layer(layer)
    with wiring.open_adapters(chosen) as adapters:
        proposal = init_command.propose(adapters.source.outline(source), target, layer)
    file = declarations.write(folder or chosen.tables or declarations.OWN, proposal.spec.name, proposal.toml())
    return {"table": proposal.spec.name, "file": str(file), "notes": list(proposal.notes), "toml": proposal.toml()}


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


def view(
    name: str,
    *,
    view_name: str | None = None,
    create: bool = False,
    drop: bool = False,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """
    One ClickHouse view of a table's hot and cold rows.

    Args:
        name: A declared table.
        view_name: `view` or `database.view`; None: the hot table's name and `_all`.
        create: Create or replace it, and let later runs keep it up to date; otherwise nothing is changed.
        drop: Drop the one that runs keep up to date.
        settings: Instead of the environment.

    Raises:
        UsageError: The table is unknown, the view's name is no identifier, or it is to be created and dropped.
        DataError: The table was not published yet, or a table has the name of the view.
        AccessRefused: The user may not create views.
        LeaseHeld: A run has the table.
    """
    if create and drop:
        raise UsageError("either --create or --drop", "both", "offload view --help")
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    if view_name is not None:
        declarations.check_name("--name", view_name)
    with wiring.open_adapters(chosen) as adapters:
        if drop:
            return view_command.drop_view(adapters, spec, uuid.uuid4().hex)
        if create:
            return view_command.create_view(adapters, spec, uuid.uuid4().hex, view_name)
        return view_command.show_view(adapters, spec, view_name)


def expire_hot(
    name: str,
    *,
    older_than: str = "7d",
    dry_run: bool = False,
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
) -> dict[str, Any]:
    """
    Drop hot partitions whose every row is proven to be in cold, and that are older than `older_than`.

    Args:
        name: A declared table.
        older_than: A duration, such as `7d` or `36h`.
        dry_run: Only compare, and list the partitions that would be dropped.
        settings: Instead of the environment.
        listeners: Called with each event.

    Raises:
        UsageError: The table is unknown, or `older_than` is no duration.
        DataError: Hot has a row that cold does not prove.
        SourceMoving: The parts of a partition changed during each comparison.
        LeaseHeld: A run has the table.
    """
    try:
        age = seconds(older_than)
    except ValueError as error:
        raise UsageError("a duration such as 7d or 36h", repr(older_than), "correct --older-than") from error
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    with wiring.open_adapters(chosen) as adapters:
        return expire_command.expire_hot(adapters, spec, uuid.uuid4().hex, age, dry_run=dry_run, listeners=listeners)


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


def set_watermark(
    name: str,
    to: str,
    *,
    reason: str,
    sequence: int | None = None,
    force: bool = False,
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
) -> dict[str, Any]:
    """
    Move the watermark, by a commit without rows; logged with user, host and reason.

    Args:
        name: A declared table.
        to: ISO 8601 (UTC without a zone).
        reason: Why; for those who read the log.
        sequence: Shown beside the watermark; None: the largest one at that time.
        force: Leave rows out that cold lacks, where no sweep publishes them.
        settings: Instead of the environment.
        listeners: Called with each event.

    Raises:
        UsageError: The table is unknown, the time is in the future, or the reason or the sequence is none.
        DataError: Rows would be left out or published twice.
        LeaseHeld: A run has the table.
    """
    check_times(to)
    chosen = settings or load()
    (spec,) = select(declarations.load(chosen.tables), [name], None)
    if not reason.strip():
        raise UsageError("--reason with the reason of the change, which is logged", repr(reason), "say why")
    if sequence is not None and not 0 <= sequence < 2**64:
        raise UsageError("--sequence from 0 to 2^64 - 1", f"{sequence}", "leave --sequence out, or name another")
    asked = set_command.NewWatermark(to, sequence, _operator(), reason.strip(), force)
    with wiring.open_adapters(chosen) as adapters:
        return set_command.set_watermark(adapters, spec, uuid.uuid4().hex, asked, listeners)


def _operator() -> str:
    """user@host; the number of a user without a name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


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
