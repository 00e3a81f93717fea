"""The folder of the demo, and the offload as a child process in it, started with the command that a user types."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any

from offload.errors import ConfigurationError, DataError

_POLL_SECONDS = 0.002
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class CompletedRun:
    """A child process that exited with 0: the JSON document that it printed, and its wall time in seconds."""

    document: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class KilledRun:
    """
    A child process that was killed with signal 9 while it was running.

    Attributes:
        pid: Its process id.
        file: The first data file that it wrote.
        at: Time of the kill, in seconds since 1970 UTC.
        seconds: Its wall time.
    """

    pid: int
    file: Path
    at: float
    seconds: float


@dataclass(frozen=True)
class Workspace:
    """A folder (an absolute path) with the hot tables, the cold tables, the catalog and the watermark store."""

    folder: Path

    @property
    def clickhouse_dsn(self) -> str:
        """The address of the chDB folder for clickhouse-connect."""
        return f"chdb:///{self.folder / 'clickhouse'}"

    @property
    def catalog_uri(self) -> str:
        """The address of the Iceberg catalog for SQLAlchemy."""
        return f"sqlite:///{self.folder / 'catalog.db'}"

    @property
    def warehouse(self) -> Path:
        """The folder of the Iceberg tables."""
        return self.folder / "warehouse"

    def prepare(self) -> None:
        """
        Create the folder and the warehouse in it.

        Raises:
            ConfigurationError: The path is a file, a folder that is not empty, or one that cannot be created.
        """
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise self._occupied("a file")
            if self.folder.exists() and (entry := next(self.folder.iterdir(), None)):
                raise self._occupied(f"a folder with {entry.name} in it")
            self.warehouse.mkdir(parents=True)
        except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
            raise self._occupied(str(error)) from error

    def environment(self) -> dict[str, str]:
        """The environment variables of child processes: this process's, but only the demo's own `OFFLOAD_*`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        return inherited | {
            "OFFLOAD_CLICKHOUSE_DSN": self.clickhouse_dsn,
            "OFFLOAD_CATALOG_URI": self.catalog_uri,
            "OFFLOAD_CATALOG_NAME": "tidemark",
            "OFFLOAD_WATERMARKS_URL": f"sqlite:///{self.folder / 'watermarks.db'}",
            "OFFLOAD_WAREHOUSE": str(self.warehouse),
            "OFFLOAD_BUFFER": "0",
        }

    def data_files(self) -> set[Path]:
        """Every Parquet file in the warehouse, also files that no table refers to."""
        return {path.resolve() for path in self.warehouse.rglob("*.parquet")}

    def offload(self, *arguments: str) -> CompletedRun:
        """
        Run `offload ARGUMENTS --json` to its end.

        Raises:
            DataError: The command failed, or ran for more than five minutes; the message has the end of its log.
        """
        start = monotonic()
        child = self._start(arguments)
        try:
            output, _ = child.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
        if child.returncode != 0:
            raise self._failure("to exit with 0", arguments, child.returncode, output)
        return CompletedRun(json.loads(output), monotonic() - start)

    def kill_during_write(self, *arguments: str) -> KilledRun:
        """
        Run `offload ARGUMENTS --json` and kill it with signal 9 as soon as it has created a data file.

        Raises:
            DataError: The process ended before the kill, or created no data file in five minutes.
        """
        before, start = self.data_files(), monotonic()
        child = self._start(arguments)
        while not (new := self.data_files() - before) and child.poll() is None:
            if monotonic() - start > _TIMEOUT_SECONDS:
                break
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=_POLL_SECONDS)
        child.kill()
        at = time()
        output, _ = child.communicate(timeout=_TIMEOUT_SECONDS)
        # The return code is -9 only if the process was still running at the time of the signal.
        if child.returncode != -signal.SIGKILL or not new:
            raise self._failure("to be killed during its write", arguments, child.returncode, output)
        return KilledRun(child.pid, min(new), at, monotonic() - start)

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(  # noqa: S603 - this interpreter, fixed arguments
                [sys.executable, "-m", "offload", *arguments, "--json"],
                env=self.environment(),
                cwd=self.folder,  # a folder without a .env file
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def _log(self) -> Path:
        return self.folder / "offload.log"

    def _occupied(self, found: str) -> ConfigurationError:
        return ConfigurationError(
            f"an empty or missing folder at {self.folder}", found, "offload demo --folder ANOTHER_FOLDER"
        )

    def _failure(self, expected: str, arguments: tuple[str, ...], code: int, output: str) -> DataError:
        evidence = self._log.read_text()[-2000:].strip() or output[-2000:]
        command = f"offload {' '.join(arguments)}"
        return DataError(f"`{command}` {expected}", f"exit code {code}\n{evidence}", f"less {self._log}")
