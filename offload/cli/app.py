"""The command line: arguments and exit codes, no logic. `offload --help` lists the commands."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import offload
from offload.cli.output import Output
from offload.errors import BUG, OffloadError, UsageError, most_severe
from offload.ports.engine import Listener
from offload.results import error_document

if TYPE_CHECKING:
    from offload.model.table import TableSpec
    from offload.results import TablePlan
    from offload.settings import Settings

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it
app = typer.Typer(
    name="offload",
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# The base of typer's usage errors, which typer does not export by name.
_USAGE_ERRORS: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
watermark_app = typer.Typer(help="Show a table's watermark, or repair the store from the Iceberg table.")
app.add_typer(watermark_app, name="watermark")

Names = Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="Declared tables; none: all of them.")]
Name = Annotated[str, typer.Argument(metavar="TABLE", help="A declared table.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, also when the command fails.")]
Layer = Annotated[str | None, typer.Option(help="Only tables of this layer: bronze, silver or gold.")]
Time = Annotated[str | None, typer.Option(metavar="TS", help="ISO 8601; UTC where it has no zone.")]


def main(argv: Sequence[str] | None = None, listeners: Sequence[Listener] = ()) -> int:
    """
    Run one command and return its exit code (sysexits.h; see offload/errors.py).

    Args:
        argv: The arguments of `offload`; None: those of the process.
        listeners: Called with each event of each run, besides the command's own.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    words = list(sys.argv[1:] if argv is None else argv)
    screen = Output(as_json="--json" in words)
    try:
        code = app(words or ["--help"], prog_name="offload", standalone_mode=False, obj=(screen, tuple(listeners)))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except SystemExit as ended:  # of the options for completion
        code = ended.code
    except _USAGE_ERRORS as error:
        wrong = _wrong_usage(error)
        return screen.failed(error_document(wrong), wrong.exit_code)
    except OffloadError as error:
        return screen.failed(error_document(error), error.exit_code)
    except Exception as error:  # noqa: BLE001  # the last place to turn a bug into an exit code and a message
        traceback.print_exc()
        return screen.failed(error_document(error), BUG)
    if code == INTERRUPTED:
        sys.stderr.write("interrupted: whole batches that were published stay, and the next run goes on after them\n")
    return int(code or 0)


def _wrong_usage(error: Any) -> UsageError:
    command = error.ctx.command_path if getattr(error, "ctx", None) else "offload"
    found = error.format_message() or type(error).__name__
    return UsageError(f"a command as {command} --help shows it", found, f"{command} --help")


def _print_version(asked: bool) -> None:  # noqa: FBT001  # as typer calls it
    if asked:
        sys.stdout.write(f"offload {metadata.version('tidemark')}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Moves trades from ClickHouse to Apache Iceberg exactly once."""


@app.command("tables")
def tables(ctx: typer.Context, as_json: Json = False) -> int:
    """The declared tables."""
    return _screen(ctx, as_json=as_json).tables(offload.declared_tables())


@app.command()
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
    _screen(ctx, as_json=as_json).written(document)
    return 0


@app.command()
def plan(
    ctx: typer.Context, names: Names = None, layer: Layer = None, until: Time = None, as_json: Json = False
) -> int:
    """Windows and row counts of the next run; writes nothing."""
    return _planned(_screen(ctx, as_json=as_json), offload.plan(names or (), layer=layer, until=until))


def _planned(screen: Output, found: list[TablePlan]) -> int:
    screen.reports("plan", [table.document() for table in found])
    return most_severe([table.exit_code for table in found])


@app.command()
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
    screen, listeners = _screen(ctx, as_json=as_json), ctx.obj[1]
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


@app.command()
def adopt(
    ctx: typer.Context,
    name: Name,
    accept_missing: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that cold lacks")] = 0,
    accept_extra: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that hot lacks")] = 0,
    accept_different: Annotated[int, typer.Option(min=0, help="accept exactly so many rows that differ")] = 0,
    as_json: Json = False,
) -> int:
    """Take over a cold table that another job filled, after comparing it with hot."""
    with _screen(ctx, as_json=as_json).working(f"comparing hot and cold of {name}"):
        document = offload.adopt(
            name, accept_missing=accept_missing, accept_extra=accept_extra, accept_different=accept_different
        )
    _screen(ctx, as_json=as_json).document("adopt", document)
    return 0


@app.command()
def status(
    ctx: typer.Context,
    history: Annotated[bool, typer.Option("--history", help="The last 50 runs too.")] = False,
    cycles: Annotated[bool, typer.Option("--cycles", help="The last 20 cycles, and their snapshots.")] = False,
    as_json: Json = False,
) -> int:
    """Watermark, lag, last run and failures of each table."""
    _screen(ctx, as_json=as_json).status(offload.status(history=50 if history else 0, cycles=20 if cycles else 0))
    return 0


@app.command()
def forget(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TABLE", help="A table as `offload status` shows it.")],
    as_json: Json = False,
) -> int:
    """Remove a table from status that was never published, such as a misspelt one; shows the tables that are left."""
    offload.forget(name)
    _screen(ctx, as_json=as_json).status(offload.status())
    return 0


@app.command()
def audit(
    ctx: typer.Context,
    names: Names = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TS", help="ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TS", help="ISO 8601.")] = None,
    as_json: Json = False,
) -> int:
    """Compare hot and cold; exit 65 where they differ."""
    with _screen(ctx, as_json=as_json).working("comparing hot and cold"):
        found = offload.audit(names or (), start=start, end=end)
    _screen(ctx, as_json=as_json).reports("audit", [table.document() for table in found])
    return most_severe([table.exit_code for table in found])


@watermark_app.command("show")
def watermark_show(ctx: typer.Context, name: Name, as_json: Json = False) -> int:
    """The store's row beside the Iceberg table's token."""
    _screen(ctx, as_json=as_json).document("watermark", offload.show_watermark(name))
    return 0


@watermark_app.command("repair")
def watermark_repair(ctx: typer.Context, name: Name, as_json: Json = False) -> int:
    """Set the store to the Iceberg table's value, whatever the store has."""
    _screen(ctx, as_json=as_json).document("watermark", offload.repair_watermark(name))
    return 0


@app.command()
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


def _screen(ctx: typer.Context, *, as_json: bool) -> Output:
    screen: Output = ctx.obj[0]
    screen.as_json = as_json
    return screen
