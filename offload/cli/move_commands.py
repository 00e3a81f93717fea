"""The commands that move rows, and the plan of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import offload
from offload.cli.arguments import Json, Layer, Name, Names, Time, screen_of
from offload.cli.output import Output
from offload.errors import UsageError, most_severe

if TYPE_CHECKING:
    from offload.model.table import TableSpec
    from offload.results import TablePlan
    from offload.settings import Settings


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
    source_table: Annotated[str | None, typer.Option(help="A ClickHouse table that need not be declared.")] = None,
    target_table: Annotated[str | None, typer.Option(help="Its Iceberg table, such as cold.trades.")] = None,
    timestamp_col: Annotated[str | None, typer.Option(help="The timestamp column; windows are ranges of it.")] = None,
    sequence_col: Annotated[str | None, typer.Option(help="An integer column shown beside the watermark.")] = None,
    key_cols: Annotated[str | None, typer.Option(help="Columns that identify a row, separated by commas.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only the plan, as `offload plan` shows it.")] = False,
    as_json: Json = False,
) -> int:
    """Offload tables: the rows after each watermark move to Iceberg exactly once."""
    chosen = offload.load_settings()
    if engine:
        chosen = chosen.model_copy(update={"engine": engine})
    flags = {
        "--source-table": source_table,
        "--target-table": target_table,
        "--timestamp-col": timestamp_col,
        "--sequence-col": sequence_col,
    }
    by_flags = any(flags.values()) or key_cols
    spec = _undeclared(names, {**flags, "--layer": layer}, key_cols, late, chosen) if by_flags else None
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


def _undeclared(
    names: list[str] | None, flags: dict[str, str | None], key_cols: str | None, late: str | None, chosen: Settings
) -> TableSpec:
    """The declaration that flags make; all of them are needed, and no declared table beside them."""
    missing = [flag for flag, value in flags.items() if not value]
    if names or missing:
        raise UsageError(
            f"either declared tables or all of {', '.join(flags)}",
            f"tables {', '.join(names)} beside flags" if names else f"no {', '.join(missing)}",
            "offload run --help",
        )
    source, target, timestamp, sequence, layer = map(str, flags.values())
    return offload.undeclared(
        source=source,
        target=target,
        timestamp=timestamp,
        sequence=sequence,
        layer=layer,
        key=[name.strip() for name in (key_cols or "").split(",") if name.strip()],
        late=late,
        settings=chosen,
    )


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

    return run_demo(folder=Path(folder) if folder else None, trades=Path(trades) if trades else None, rows=rows)
