"""A cold table, the engine that fills it and the verifier that looks at it, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from offload.errors import DataError, Fenced
from offload.fakes.source import Row, fingerprint
from offload.model.cold_table import TableState, WrittenFile
from offload.model.columns import TableSchema
from offload.model.fingerprint import Fingerprint
from offload.model.splits import Chunk, Split
from offload.model.steps import Event
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.engine import Emit
from offload.ports.source import Bound, HotTable
from offload.ports.verifier import Difference, LateRowsQuery


@dataclass
class FakeLake:
    """A cold table whose commits are atomic, with its history; files are kept beside it, published or not."""

    files_by_path: dict[str, list[Row]] = field(default_factory=dict)
    snapshots: list[tuple[CommitToken, tuple[str, ...]]] = field(default_factory=list)
    created: bool = False

    def rows(self, upto: int | None = None) -> list[Row]:
        """What a reader of the current snapshot sees, or of the first `upto` ones."""
        return [row for _, paths in self.snapshots[:upto] for path in paths for row in self.files_by_path[path]]

    def load(self, spec: TableSpec) -> TableState | None:  # noqa: ARG002
        """The table as it stands."""
        if not self.created:
            return None
        token = self.snapshots[-1][0] if self.snapshots else None
        return TableState("cold", len(self.snapshots) or None, len(self.rows()), token, "memory:", None)

    def create(self, table: TableSchema) -> TableState:
        """Create the table."""
        self.created = True
        state = self.load(table.spec)
        if state is None:
            raise DataError("a table", "none", "report it")
        return state

    def check_history(self, spec: TableSpec, state: TableState) -> None:
        """Nobody writes by hand here."""

    def check_columns(self, table: TableSchema, state: TableState) -> None:
        """The columns are the hot ones."""

    def files(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:  # noqa: ARG002
        """All published files."""
        return [path for _, paths in self.snapshots for path in paths]

    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        """Files have no footers."""

    def publish(
        self,
        spec: TableSpec,
        state: TableState,
        files: Sequence[WrittenFile],
        token: CommitToken,
        told: Callable[[], None],
    ) -> TableState:
        """One commit, fenced on the last token."""
        told()
        now = self.load(spec)
        if now is None or now.token != state.token:
            raise Fenced("the table as it was found", "another commit", "offload run")
        self.snapshots.append((token, tuple(file.path for file in files)))
        return replace(now, snapshot_id=len(self.snapshots), records=len(self.rows()), token=token)


@dataclass
class FakeEngine:
    """Writes lists of rows into a fake lake."""

    lake: FakeLake

    def write(self, hot: HotTable, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:  # noqa: ARG002
        """Write every split."""
        return [self._write(hot, split, emit) for split in splits]

    def _write(self, hot: HotTable, split: Split, emit: Emit) -> WrittenFile:
        emit(Event.SPLIT_STARTED, split.rows)
        seen = [hot.fingerprint(chunk) for chunk in split.chunks]
        rows = [row for chunk in split.chunks for batch in hot.read(chunk).batches for row in batch]
        self.lake.files_by_path[split.path] = rows
        emit(Event.FILE_WRITTEN, len(rows))
        whole = seen[0]
        for more in seen[1:]:
            whole += more
        return WrittenFile(split, split.path, len(rows), len(rows), whole)


@dataclass
class FakeVerifier:
    """Holds the lists against each other."""

    lake: FakeLake

    def stored(self, table: TableSchema, paths: Sequence[str]) -> dict[str, Fingerprint]:  # noqa: ARG002
        """Fingerprint each file."""
        return {path: fingerprint(self.lake.files_by_path[path]) for path in paths}

    def late(self, hot: HotTable, asked: LateRowsQuery, cold_files: Callable[[int, int], Sequence[str]]) -> int:  # noqa: ARG002
        """Count hot keys of the window that cold lacks."""
        found = {row for batch in hot.read(Chunk(asked.window)).batches for row in batch}
        return len(found - set(self.lake.rows()))

    def exclude_existing(self, hot: HotTable, window: Window, files: Sequence[str]) -> int:  # noqa: ARG002
        """Nothing: the timestamp follows the key."""
        return 0

    def newest(self, table: TableSchema, paths: Sequence[str]) -> int:  # noqa: ARG002
        """The largest timestamp in those files."""
        return max(at for path in paths for _, at in self.lake.files_by_path[path])

    def compare(self, hot: HotTable, window: Window, files: Sequence[str]) -> Difference:
        """Hold hot against cold over a window."""
        hot_rows = {row for batch in hot.read(Chunk(window)).batches for row in batch}
        cold = [row for path in files for row in self.lake.files_by_path[path] if row[1] <= window.high]
        extra = len(cold) - len(set(cold) & hot_rows)
        return Difference(len(hot_rows), len(cold), len(hot_rows - set(cold)), extra, 0)
