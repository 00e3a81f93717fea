"""One published table that the cases share, and the three checks that a refused command changed nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import ValidationError
from pyiceberg.table import Table

from harness.readers.iceberg import ColdTableAddress, orphaned_files
from harness.readers.watermarks import StoreTable
from offload import cli
from tests.support.embedded import Embedded

# What a run that claims a table writes by design, also where it is refused afterwards: its claim and its failure.
# The watermark, the row count, the last success and the id of the cold table are never among it.
CLAIM = frozenset({"epoch", "owner", "locked", "claimed_at", "heartbeat_at"})
FAILURE = frozenset({"status", "failure_count", "last_error_message", "last_run_duration_seconds", "updated_at"})
_DATABASES = {"catalog.db", "watermarks.db"}


@dataclass(frozen=True)
class Evidence:
    """
    What no refused command may change, read without the product.

    Attributes:
        snapshots: The current snapshot of each Iceberg table; None: it has none.
        watermarks: The rows of the watermark store, by table.
        files: A digest of each file below the working folder, apart from the databases and from orphan data files.
        hot: The number of rows of each hot table.
    """

    snapshots: Mapping[str, int | str | None]
    watermarks: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]
    hot: Mapping[str, int | None]


@dataclass
class World:
    """A working folder with the published table `trades`; cases add what they need, and `restored` removes it."""

    stage: Embedded
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The working folder of every command."""
        return self.stage.folder

    def sql(self, *statements: str) -> None:
        """Run statements in ClickHouse."""
        for statement in statements:
            self.stage.sql(statement)

    def store(self, statement: str) -> None:
        """Run a statement in the watermark store, as a person would."""
        self._store().ask(statement)

    def file(self, name: str, content: str | bytes = "") -> Path:
        """Write a file below the working folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def offload(self, *words: str) -> None:
        """A command that succeeds; it prepares a case."""
        assert cli.main(list(words)) == 0, words

    @contextmanager
    def cold(self, name: str = "cold.trades") -> Iterator[Table]:
        """An Iceberg table as another job opens it."""
        with self.stage.catalog() as catalog:
            yield catalog.load_table(name)

    def evidence(self) -> Evidence:
        """Read everything that no refused command may change."""
        with self.stage.catalog() as catalog:
            tables = [".".join(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space)]
            snapshots = {name: _current(catalog, name) for name in tables}
        orphans = {path for name in tables for path in self._orphans(name)}
        rows = self._store().ask("SELECT * FROM offload_watermarks ORDER BY table_name, epoch")
        return Evidence(
            snapshots,
            {row["table_name"]: row for row in rows},
            {path.relative_to(self.folder).as_posix(): _digest(path) for path in self._files() if path not in orphans},
            dict(self.stage.rows("SELECT name, total_rows FROM system.tables WHERE database = currentDatabase()")),
        )

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Whatever the block does to the folder or the hot tables is undone after it."""
        backup = self.folder.parent / "backup"
        shutil.copytree(self.folder, backup)
        kept = {name for (name,) in self.stage.rows("SHOW TABLES")}
        try:
            yield
        finally:
            for name in {name for (name,) in self.stage.rows("SHOW TABLES")} - kept:
                self.sql(f"DROP TABLE `{name}` SYNC")
            for path in self.folder.iterdir():  # not the folder itself, which is the process's working folder
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            shutil.copytree(backup, self.folder, dirs_exist_ok=True)
            shutil.rmtree(backup)

    def _orphans(self, name: str) -> tuple[Path, ...]:
        where = f"sqlite:///{self.folder}/catalog.db", (self.folder / "warehouse").as_uri()
        try:
            return orphaned_files(ColdTableAddress(name, *where, catalog_name="tidemark"))
        except (FileNotFoundError, ValidationError, EOFError):  # a case has removed or damaged files of the table
            return ()

    def _store(self) -> StoreTable:
        return StoreTable("trades", f"sqlite:///{self.folder}/watermarks.db")

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_dir() and not any(path.iterdir()):
                yield path
            if path.is_file() and path.name.partition("-")[0] not in _DATABASES:
                yield path


def _current(catalog: SqlCatalog, name: str) -> int | str | None:
    try:
        snapshot = catalog.load_table(name).current_snapshot()
    except (FileNotFoundError, ValidationError):
        return "metadata that cannot be read"
    return snapshot and snapshot.snapshot_id


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "an empty folder"
