"""The child process: runs the offload's command line with a listener that kills or freezes the process itself."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.subjects.process_fault import Action, ProcessFault
from offload import cli

if TYPE_CHECKING:
    from collections.abc import Sequence


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments before `--`; those after it are the offload's."""
    parser = argparse.ArgumentParser(prog="python -m harness.subjects.offload_child")
    parser.add_argument("--at", help="event, such as before:publish or at:file_written")
    parser.add_argument("--action", type=Action, default=Action.KILL, choices=list(Action))
    parser.add_argument("--nth", type=int, default=1, help="fire at the nth such event, from 1")
    parser.add_argument("--marker", type=Path, help="file that is written just before the fault fires")
    own, rest = _divided(list(argv))
    parsed_own = parser.parse_args(own)
    parsed_own.rest = rest
    return parsed_own


def _divided(argv: list[str]) -> tuple[list[str], list[str]]:
    cut = argv.index("--") if "--" in argv else len(argv)
    return argv[:cut], argv[cut + 1 :]


def main(argv: Sequence[str]) -> int:
    """Run the offload and return its exit code."""
    given = parsed(argv)
    # A shell starts background jobs with SIGINT ignored, and their children inherit that; here Ctrl-C must count.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faults = (ProcessFault(given.at, given.action, given.nth, given.marker),) if given.at else ()
    return cli.main(given.rest, listeners=faults)


if __name__ == "__main__":
    cli.leave(main(sys.argv[1:]))
