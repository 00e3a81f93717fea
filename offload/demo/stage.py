"""The demo's folder, and the offload as a child process in it: the command line that a user types."""

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
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Finished:
    """A child that ended by itself: the JSON it printed, and its wall time in seconds."""

    document: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Killed:
    """
    A child that signal 9 ended while it lived.

    `file` is the first that it wrote, `at` the moment of the kill (seconds since 1970 UTC), `seconds` its wall time.
    """

    pid: int
    file: Path
    at: float
    seconds: float


@dataclass(frozen=True)
class Stage:
    """An absolute folder that holds both tiers, the catalog and the watermark store."""

    folder: Path

    @property
    def clickhouse_dsn(self) -> str:
        """The chDB folder as clickhouse-connect takes it."""
        return f"chdb:///{self.folder / 'clickhouse'}"

    @property
    def catalog_uri(self) -> str:
        """The Iceberg catalog as SQLAlchemy takes it."""
        return f"sqlite:///{self.folder / 'catalog.db'}"

    @property
    def warehouse(self) -> Path:
        """Where the Iceberg tables lie."""
        return self.folder / "warehouse"

    def prepare(self) -> None:
        """
        Make the folders.

        Raises:
            ConfigurationError: Something is there already.
        """
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ConfigurationError(f"a fresh folder at {self.folder}", "something is there", "name another --folder")
        self.warehouse.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        """The environment of the children: ours, and of the offload's variables only the demo's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        return own | {
            "OFFLOAD_CLICKHOUSE_DSN": self.clickhouse_dsn,
            "OFFLOAD_CATALOG_URI": self.catalog_uri,
            "OFFLOAD_CATALOG_NAME": "tidemark",
            "OFFLOAD_WATERMARKS_URL": f"sqlite:///{self.folder / 'watermarks.db'}",
            "OFFLOAD_WAREHOUSE": str(self.warehouse),
            "OFFLOAD_BUFFER": "0",
        }

    def data_files(self) -> set[Path]:
        """Every Parquet file under the warehouse, whether a table refers to it or not."""
        return {path.resolve() for path in self.warehouse.rglob("*.parquet")}

    def offload(self, *arguments: str) -> Finished:
        """
        Run `offload ARGUMENTS --json` to its end.

        Raises:
            DataError: It failed, or took over five minutes; what it said is in the message.
        """
        start = monotonic()
        child = self._start(arguments)
        try:
            output, _ = child.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
        if child.returncode != 0:
            raise self._unexpected("exit code 0", arguments, child.returncode, output)
        return Finished(json.loads(output), monotonic() - start)

    def kill_in_mid_write(self, *arguments: str) -> Killed:
        """
        Run `offload ARGUMENTS --json` and kill it with -9 as soon as a new data file appears.

        Raises:
            DataError: It ended before it could be killed.
        """
        before, start = self.data_files(), monotonic()
        child = self._start(arguments)
        while not (new := self.data_files() - before) and child.poll() is None:
            if monotonic() - start > _PATIENCE_SECONDS:
                break
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=_POLL_SECONDS)
        child.kill()
        at = time()
        output, _ = child.communicate(timeout=_PATIENCE_SECONDS)
        # Only a process that lived when the signal came can have died of it.
        if child.returncode != -signal.SIGKILL or not new:
            raise self._unexpected("to be killed", arguments, child.returncode, output)
        return Killed(child.pid, min(new), at, monotonic() - start)

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(  # noqa: S603 - this interpreter, fixed arguments
                [sys.executable, "-m", "offload", *arguments, "--json"],
                env=self.environment(),
                cwd=self.folder,  # where no .env lies
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def _log(self) -> Path:
        return self.folder / "offload.log"

    def _unexpected(self, expected: str, arguments: tuple[str, ...], code: int, output: str) -> DataError:
        said = self._log.read_text()[-2000:].strip() or output[-2000:]
        return DataError(f"offload {' '.join(arguments)}: {expected}", f"exit code {code}\n{said}", f"less {self._log}")
