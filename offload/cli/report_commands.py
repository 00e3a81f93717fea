"""The commands that report and change nothing."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import offload
from offload.cli.arguments import (
    Json,
    KeyColumns,
    Layer,
    Name,
    Names,
    SequenceColumn,
    SourceTable,
    TargetTable,
    TimestampColumn,
    screen_of,
    undeclared,
)
from offload.errors import most_severe


def tables(ctx: typer.Context, as_json: Json = False) -> int:
    """The declared tables."""
    return screen_of(ctx, as_json=as_json).tables(offload.declared_tables())


def status(
    ctx: typer.Context,
    history: Annotated[bool, typer.Option("--history", help="The last 50 runs too.")] = False,
    cycles: Annotated[bool, typer.Option("--cycles", help="The last 20 cycles, and their snapshots.")] = False,
    as_json: Json = False,
) -> int:
    """Watermark, lag, last run and failures of each table."""
    screen_of(ctx, as_json=as_json).status(offload.status(history=50 if history else 0, cycles=20 if cycles else 0))
    return 0


def audit(
    ctx: typer.Context,
    names: Names = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TS", help="ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TS", help="ISO 8601.")] = None,
    source_table: SourceTable = None,
    target_table: TargetTable = None,
    timestamp_col: TimestampColumn = None,
    sequence_col: SequenceColumn = None,
    key_cols: KeyColumns = None,
    as_json: Json = False,
) -> int:
    """Compare hot and cold, also a cold table that another job filled; exit 65 where they differ."""
    chosen = offload.load_settings()
    flags = {
        "--source-table": source_table,
        "--target-table": target_table,
        "--timestamp-col": timestamp_col,
        "--sequence-col": sequence_col,
    }
    spec = undeclared("audit", names, flags, key_cols, chosen)
    with screen_of(ctx, as_json=as_json).working("comparing hot and cold"):
        found = offload.audit(names or (), start=start, end=end, spec=spec, settings=chosen)
    screen_of(ctx, as_json=as_json).reports("audit", [table.document() for table in found])
    for table in found:
        if table.token is False:
            to = "up to --to" if end else "up to its newest row"
            sys.stderr.write(f"{table.table}: no commit token in cold: another job filled it; compared {to}\n")
    return most_severe([table.exit_code for table in found])


def doctor(ctx: typer.Context, names: Names = None, layer: Layer = None, as_json: Json = False) -> int:
    """Check every server, permission, clock and version, and the tables; says what to correct."""
    with screen_of(ctx, as_json=as_json).working("checking"):
        found = offload.doctor(names or (), layer=layer)
    screen_of(ctx, as_json=as_json).health(found)
    return found.exit_code


def watermark_show(ctx: typer.Context, name: Name, as_json: Json = False) -> int:
    """The store's row beside the Iceberg table's token."""
    screen_of(ctx, as_json=as_json).document("watermark", offload.show_watermark(name))
    return 0
