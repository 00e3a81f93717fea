"""
The offload's command line as a child process: started, struck at a moment, frozen, killed, awaited.

Whoever starts a child uses it as a context manager, so that none outlives its test:

    with start_offload(["run", "trades"], env, at="before:publish", action="freeze") as first:
        first.wait_frozen()
        second = run_offload(["run", "trades"], env)
        first.thaw()
        assert first.wait().returncode == 75
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.child_process import TIMEOUT, ChildProcess, Completed
from harness.subjects.process_fault import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHILD = "harness.subjects.offload_child"


def start_offload(
    args: Sequence[str],
    env: Mapping[str, str],
    *,
    at: str | None = None,
    action: str = "kill",
    nth: int = 1,
    cwd: Path | None = None,
) -> ChildProcess:
    """
    Start `offload ARGS`, and let it strike itself at a moment.

    Args:
        args: What stands after `offload` on the command line.
        env: OFFLOAD_* variables and whatever else must differ; the caller's own OFFLOAD_* are not passed on.
        at: Moment, such as `before:publish`; None: no fault.
        action: `kill`, `freeze` or `raise`.
        nth: Strike at the nth such moment.
        cwd: The child's working folder.

    Raises:
        ValueError: No such action.
    """
    folder = TemporaryDirectory(prefix="offload-child-", ignore_cleanup_errors=True)
    marker = str(Path(folder.name) / "marker")
    fault = ["--at", at, "--action", Action(action).value, "--nth", str(nth), "--marker", marker] if at else []
    command = [sys.executable, "-m", CHILD, *fault, "--", *args]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
    return ChildProcess(command, {**inherited, **env}, cwd, folder)


def run_offload(
    args: Sequence[str],
    env: Mapping[str, str],
    *,
    at: str | None = None,
    action: str = "kill",
    nth: int = 1,
    cwd: Path | None = None,
    timeout: float = TIMEOUT,
) -> Completed:
    """
    Run `offload ARGS` to its end; the arguments are those of `start_offload`.

    Raises:
        ValueError: The action is `freeze`: nobody would thaw it; use `start_offload`.
        TimeoutError: Still running after `timeout` seconds; it is killed.
    """
    if at and action == Action.FREEZE:
        raise ValueError("expected kill or raise; found freeze, which nobody would thaw; next: use start_offload")
    with start_offload(args, env, at=at, action=action, nth=nth, cwd=cwd) as running:
        return running.wait(timeout)
