"""The commands of an operator: a declaration, a table that another job filled, the watermark store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import offload
from offload.cli.arguments import Json, Name, screen_of
from offload.errors import UsageError


def init(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="TABLE", help="A ClickHouse table, or database.table.")],
    target: Annotated[str | None, typer.Option(help="Its Iceberg table; cold.TABLE where it is not named.")] = None,
    layer: Annotated[str, typer.Option(help="bronze, silver or gold.")] = "bronze",
    folder: Annotated[str | None, typer.Option(help="Instead of OFFLOAD_TABLES, or of tables/ without it.")] = None,
    as_json: Json = False,
) -> int:
    """Write a declaration from ClickHouse's own catalog, for a person to check."""
    document = offload.init(source, target=target, layer=layer, folder=Path(folder) if folder else None)
    screen_of(ctx, as_json=as_json).written(document)
    return 0


def adopt(
    ctx: typer.Context,
    name: Name,
    accept_missing: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that cold lacks")] = 0,
    accept_extra: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that hot lacks")] = 0,
    accept_different: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that differ")] = 0,
    as_json: Json = False,
) -> int:
    """Take over a cold table that another job filled, after comparing it with hot."""
    with screen_of(ctx, as_json=as_json).working(f"comparing hot and cold of {name}"):
        document = offload.adopt(
            name, accept_missing=accept_missing, accept_extra=accept_extra, accept_different=accept_different
        )
    screen_of(ctx, as_json=as_json).document("adopt", document)
    return 0


def expire_hot(
    ctx: typer.Context,
    name: Name,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Only partitions that are older: 7d, 36h.")] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare, and list what would be dropped.")] = False,
    as_json: Json = False,
) -> int:
    """Drop hot partitions whose every row is proven to be in cold, after one more look at both tiers."""
    with screen_of(ctx, as_json=as_json).working(f"comparing hot and cold of {name}"):
        document = offload.expire_hot(name, older_than=older_than, dry_run=dry_run, listeners=ctx.obj[1])
    screen_of(ctx, as_json=as_json).expired(document)
    return 0


def forget(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TABLE", help="A table as `offload status` shows it.")],
    as_json: Json = False,
) -> int:
    """Remove a table from status that was never published, such as a misspelt one; shows the tables that are left."""
    offload.forget(name)
    screen_of(ctx, as_json=as_json).status(offload.status())
    return 0


def watermark_repair(ctx: typer.Context, name: Name, as_json: Json = False) -> int:
    """Set the store to the Iceberg table's value, whatever the store has."""
    screen_of(ctx, as_json=as_json).document("watermark", offload.repair_watermark(name))
    return 0


def view(
    ctx: typer.Context,
    name: Name,
    view_name: Annotated[str | None, typer.Option("--name", help="The view; TABLE_all where it is not named.")] = None,
    create: Annotated[bool, typer.Option("--create", help="Create it; later runs keep it up to date.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Drop the view that runs keep up to date.")] = False,
    as_json: Json = False,
) -> int:
    """One ClickHouse view of hot and cold rows: prints the statement, or creates the view."""
    found = offload.view(name, view_name=view_name, create=create, drop=drop)
    screen_of(ctx, as_json=as_json).view(found)
    return 0


def watermark_set(
    ctx: typer.Context,
    name: Name,
    to: Annotated[str, typer.Option(metavar="TS", help="ISO 8601; UTC where it has no zone.")],
    reason: Annotated[str, typer.Option(help="Why; it is logged.")],
    sequence: Annotated[int | None, typer.Option(help="Shown beside the watermark.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Leave out rows that cold lacks.")] = False,
    as_json: Json = False,
) -> int:
    """Move the watermark: logged, and refused where rows would be left out or published twice."""
    screen = screen_of(ctx, as_json=as_json)
    if not yes:
        _confirm(name, to)
    document = offload.set_watermark(
        name, to, reason=reason, sequence=sequence, force=force, listeners=tuple(ctx.obj[1])
    )
    screen.document("watermark", document)
    return 0


def _confirm(name: str, to: str) -> None:
    found = "no terminal on which to ask"
    if sys.stdin.isatty():
        cold = offload.show_watermark(name)["cold"]
        before = ((cold and cold["watermark"]) or {}).get("timestamp")
        if typer.confirm(f"Set the watermark of {name} from {before} to {to}?", err=True):
            return
        found = "the answer no; nothing was changed"
    raise UsageError("a confirmation: yes on a terminal, or --yes", found, "the same command with --yes")
