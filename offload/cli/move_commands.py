"""The commands that move rows, and the plan of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Time,
    TimestampColumn,
    check_values,
    screen_of,
    undeclared,
)
from offload.cli.output import Output
from offload.errors import most_severe

if TYPE_CHECKING:
    from offload.results import TablePlan


def plan(
    ctx: typer.Context, names: Names = None, layer: Layer = None, until: Time = None, as_json: Json = False
) -> int:
    """Windows and row counts of the next run; writes nothing."""
    return _planned(screen_of(ctx, as_json=as_json), offload.plan(names or (), layer=layer, until=until))


def _planned(screen: Output, found: list[TablePlan]) -> int:
    screen.reports("plan", [table.document() for table in found])
    return most_severe([table.exit_code for table in found])


def run(
    ctx: typer.Context,
    names: Names = None,
    layer: Layer = None,
    engine: Annotated[str | None, typer.Option(help="Instead of OFFLOAD_ENGINE.")] = None,
    until: Time = None,
    late: Annotated[str | None, typer.Option(help="sweep or skip, instead of what is declared.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="Tables of one layer that run at once.")] = None,
    source_table: SourceTable = None,
    target_table: TargetTable = None,
    timestamp_col: TimestampColumn = None,
    sequence_col: SequenceColumn = None,
    key_cols: KeyColumns = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only the plan, as `offload plan` shows it.")] = False,
    as_json: Json = False,
) -> int:
    """Offload tables: the rows after each watermark move to Iceberg exactly once."""
    chosen = offload.load_settings().model_copy(update={"engine": engine} if engine else {})
    flags = {
        "--source-table": source_table,
        "--target-table": target_table,
        "--timestamp-col": timestamp_col,
        "--sequence-col": sequence_col,
        "--layer": layer,
    }
    check_values({**flags, "--engine": engine, "--late": late, "--key-cols": key_cols})
    spec = undeclared("run", names, flags, key_cols, chosen, late=late)
    screen, listeners = screen_of(ctx, as_json=as_json), ctx.obj[1]
    layer = None if spec else layer  # it is part of the declaration that flags make
    if dry_run:
        return _planned(screen, offload.plan(names or (), layer=layer, until=until, spec=spec, settings=chosen))
    with screen.progress() as shown:
        result = offload.run(
            names or (),
            layer=layer,
            until=until,
            late=late,
            jobs=jobs,
            spec=spec,
            settings=chosen,
            listeners=(shown, *listeners),
        )
    screen.run(result)
    return result.exit_code


def backfill(
    ctx: typer.Context,
    name: Name,
    start: Annotated[str, typer.Option("--from", metavar="TS", help="ISO 8601, inclusive.")],
    end: Annotated[str, typer.Option("--to", metavar="TS", help="ISO 8601, inclusive; not after the watermark.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the rows that cold lacks.")] = False,
    as_json: Json = False,
) -> int:
    """Publish the rows of a range that cold lacks, below the watermark, also where late rows are skipped."""
    screen, listeners = screen_of(ctx, as_json=as_json), ctx.obj[1]
    with screen.progress() as shown:
        result = offload.backfill(name, start, end, dry_run=dry_run, listeners=(shown, *listeners))
    screen.table(result)
    return result.exit_code


def demo(
    trades: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Recorded raw trades instead of generated ones.")
    ] = None,
    folder: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to leave the tables; it must be empty.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1000, help="How many trades to make up.")] = 1_200_000,
) -> int:
    """A million trades from ClickHouse to Iceberg exactly once, also across a kill -9; no server, no Docker."""
    from offload.demo.demo import run_demo  # matplotlib and chDB are extras

    check_values({"--trades": trades, "--folder": folder})
    run_demo(folder=Path(folder) if folder else None, trades=Path(trades) if trades else None, rows=rows)
    return 0
