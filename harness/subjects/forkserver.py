"""
A launcher that forks the offload from a fork server: the same program without two seconds of imports.

The fork server is that of `multiprocessing`: a separate process with one thread that has imported the modules of the
offload and has opened no file or connection.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.subjects.offload_cli import CHILD, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PRELOADED = (CHILD, "offload.api", "offload.wiring", "offload.iceberg.parquet", "clickhouse_connect", "pyarrow.parquet")


class ForkedChild:
    """A child of the fork server; a `harness.child_process.Process`."""

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path | None, stdout: Path, stderr: Path
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))  # modules that are missing are skipped
        self._process = context.Process(target=_become, args=(list(arguments), dict(env), cwd, stdout, stderr))
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal; None: the child is running."""
        self._process.join(0)
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """
        Wait for the end.

        Raises:
            subprocess.TimeoutExpired: The child is still running after `timeout` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(CHILD, timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """Send SIGKILL; no effect on a child that has ended."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int, /) -> None:
        """Send a signal to this child alone; no effect on a child that has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)


def forkserver_launcher(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, stdout: Path, stderr: Path
) -> ForkedChild:
    """
    Fork a child that runs the offload; the arguments are those of `harness.child_process.Launcher`.

    Raises:
        ValueError: The command is another program.
    """
    if tuple(command[: len(PROGRAM)]) != PROGRAM:
        raise ValueError(f"expected {' '.join(PROGRAM)}; found {' '.join(command)}; next: use subprocess_launcher")
    stdout.touch()
    stderr.touch()
    return ForkedChild(command[len(PROGRAM) :], env, cwd, stdout, stderr)


def _become(arguments: list[str], env: dict[str, str], cwd: Path | None, stdout: Path, stderr: Path) -> None:
    """Run the program in the child, with its own environment, folder and output."""
    os.environ.clear()
    os.environ.update(env)
    if cwd:
        os.chdir(cwd)
    for number, path in enumerate((Path(os.devnull), stdout, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    from harness.subjects import offload_child

    code = offload_child.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
