"""Arguments and flags that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from offload.cli.output import Output

Names = Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="Declared tables; none: all of them.")]
Name = Annotated[str, typer.Argument(metavar="TABLE", help="A declared table.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, also when the command fails.")]
Layer = Annotated[str | None, typer.Option(help="Only tables of this layer: bronze, silver or gold.")]
Time = Annotated[str | None, typer.Option(metavar="TS", help="ISO 8601; UTC where it has no zone.")]


def screen_of(ctx: typer.Context, *, as_json: bool) -> Output:
    """The output of the command, as its flags have it."""
    screen: Output = ctx.obj[0]
    screen.as_json = as_json
    return screen
