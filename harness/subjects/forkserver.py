"""
Children that are forked off a warm server instead of started anew: the same program without two seconds of imports.

The server is multiprocessing's fork server: a process of its own that has imported what a child needs, has opened
nothing and runs one thread.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CHILD = "harness.subjects.offload_child"
WARM = (CHILD, "offload.api", "offload.wiring", "offload.iceberg.parquet", "clickhouse_connect", "pyarrow.parquet")


class ForkedChild:
    """A child with the part of `subprocess.Popen` that a subject uses."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        stdin: int,  # noqa: ARG002 - always /dev/null
        stdout: Any,
        stderr: Any,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(WARM))  # what cannot be imported is left out
        arguments = (list(command[3:]), dict(env), cwd, stdout.name, stderr.name)
        self._process = context.Process(target=_become, args=arguments)
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        self._process.join(0)
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """
        Wait for the end.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(CHILD, timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL; harmless when it has ended."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone; harmless when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _popen(command: Sequence[str], **given: Any) -> Any:
    """A fork where the offload is to be started; any other program as ever."""
    return (ForkedChild if CHILD in command else subprocess.Popen)(command, **given)


forkserver_launcher = SimpleNamespace(
    Popen=_popen, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired
)
"""As much of the module `subprocess` as starting a child takes."""


def _become(arguments: list[str], env: dict[str, str], cwd: Path | None, stdout: str, stderr: str) -> None:
    """In the child: take on environment, folder and output, and run the program."""
    os.environ.clear()
    os.environ.update(env)
    if cwd:
        os.chdir(cwd)
    for number, path in enumerate((os.devnull, stdout, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    from harness.subjects import offload_child

    code = offload_child.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
