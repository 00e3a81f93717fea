"""Arguments and flags that several commands have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

import offload
from offload.cli.output import Output
from offload.errors import UsageError

if TYPE_CHECKING:
    from offload.model.table import TableSpec
    from offload.settings import Settings

Names = Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="Declared tables; none: all of them.")]
Name = Annotated[str, typer.Argument(metavar="TABLE", help="A declared table.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, also when the command fails.")]
Layer = Annotated[str | None, typer.Option(help="Only tables of this layer: bronze, silver or gold.")]
Time = Annotated[str | None, typer.Option(metavar="TS", help="ISO 8601; UTC where it has no zone.")]
SourceTable = Annotated[str | None, typer.Option(help="A ClickHouse table that need not be declared.")]
TargetTable = Annotated[str | None, typer.Option(help="Its Iceberg table, such as cold.trades.")]
TimestampColumn = Annotated[str | None, typer.Option(help="The timestamp column; windows are ranges of it.")]
SequenceColumn = Annotated[str | None, typer.Option(help="An integer column shown beside the watermark.")]
KeyColumns = Annotated[str | None, typer.Option(help="Columns that identify a row, separated by commas.")]


def screen_of(ctx: typer.Context, *, as_json: bool) -> Output:
    """The output of the command, as its flags have it."""
    screen: Output = ctx.obj[0]
    screen.as_json = as_json
    return screen


def check_values(flags: dict[str, str | None]) -> None:
    """A flag with an empty value, such as that of an unset variable, would count as left out: all tables would run."""
    for flag, value in flags.items():
        if value is not None and not value.strip(" ,"):
            raise UsageError(f"a value after {flag}", repr(value), f"leave {flag} out, or name its value")


def undeclared(
    command: str,
    names: list[str] | None,
    flags: Mapping[str, str | None],
    key_cols: str | None,
    chosen: Settings,
    *,
    late: str | None = None,
) -> TableSpec | None:
    """
    The declaration that flags make, of which all are needed, and no declared table beside them; None: no flag is given.

    Args:
        command: The command, for the message.
        names: The declared tables of the command.
        flags: `--source-table`, `--target-table`, `--timestamp-col`, `--sequence-col`, and for some `--layer`.
        key_cols: The key, separated by commas.
        chosen: The settings.
        late: What to do with late rows.

    Raises:
        UsageError: A flag is missing, contradicts a declaration, or stands beside a declared table.
    """
    if not key_cols and not any(value for flag, value in flags.items() if flag != "--layer"):
        return None
    missing = [flag for flag, value in flags.items() if not value]
    if names or missing:
        raise UsageError(
            f"either declared tables or all of {', '.join(flags)}",
            f"tables {', '.join(names)} beside flags" if names else f"no {', '.join(missing)}",
            f"offload {command} --help",
        )
    return offload.undeclared(
        source=str(flags["--source-table"]),
        target=str(flags["--target-table"]),
        timestamp=str(flags["--timestamp-col"]),
        sequence=str(flags["--sequence-col"]),
        layer=flags.get("--layer"),
        key=[name.strip() for name in (key_cols or "").split(",") if name.strip()],
        late=late,
        any_target=command == "audit",
        settings=chosen,
    )
