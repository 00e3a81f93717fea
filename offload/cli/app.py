"""The command line: arguments and exit codes, no logic. `offload --help` lists the commands."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any

import typer

from offload.cli import manage_commands, move_commands, report_commands
from offload.cli.output import Output
from offload.errors import BUG, OffloadError, UsageError
from offload.ports.engine import Listener
from offload.results import error_document

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it
app = typer.Typer(
    name="offload",
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# The base of typer's usage errors, which typer does not export by name.
_USAGE_ERRORS: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
watermark_app = typer.Typer(help="Show a table's watermark, set it, or repair the store from the Iceberg table.")
app.add_typer(watermark_app, name="watermark")


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


for _command in (
    report_commands.tables,
    manage_commands.init,
    move_commands.plan,
    move_commands.run,
    move_commands.backfill,
    manage_commands.adopt,
    manage_commands.expire_hot,
    report_commands.status,
    manage_commands.forget,
    report_commands.audit,
    manage_commands.view,
    report_commands.doctor,
    move_commands.demo,
):
    app.command()(_command)
watermark_app.command("show")(report_commands.watermark_show)
watermark_app.command("set")(manage_commands.watermark_set)
watermark_app.command("repair")(manage_commands.watermark_repair)
