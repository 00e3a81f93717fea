"""A cold table, the engine that fills it and the verifier that reads it, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from typing_extensions import override

from offload.errors import DataError
from offload.fakes.source import FAKE_SCHEMA, FakeRows, Row, fingerprint
from offload.model.cold_table import Mark, Publication, TableState, WrittenFile
from offload.model.columns import TableSchema
from offload.model.coverage import Counts, Coverage
from offload.model.fingerprint import EMPTY, HASH_MODULUS, NO_ROWS, Fingerprint
from offload.model.splits import Split
from offload.model.steps import Event
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import HOUR, Window
from offload.ports.engine import Emit, Engine
from offload.ports.lake import ColdFiles, Conflict, Lake, Rewriter
from offload.ports.source import Bound, HotRows
from offload.ports.verifier import ColdReader, Difference, LateAndChanged, StoredRows, Verifier

LISTED = 10  # snapshots that have not expired


@dataclass
class FakeLake(Lake, ColdFiles, Rewriter):
    """
    A cold table whose commits are atomic, with its history; files are kept whether or not they are published.

    `behind` is what its columns have to follow; a commit with a schema follows.
    """

    files_by_path: dict[str, list[Row]] = field(default_factory=dict)
    snapshots: list[tuple[CommitToken, tuple[str, ...]]] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    evidence: Mark | None = None
    created: bool = False
    behind: tuple[str, ...] = ()

    def rows(self, upto: int | None = None) -> list[Row]:
        """The rows of the current snapshot, or of the first `upto` snapshots."""
        return [row for _, paths in self.snapshots[:upto] for path in paths for row in self.files_by_path[path]]

    @override
    def load(self, spec: TableSpec) -> TableState | None:
        if not self.created:
            return None
        token = self.snapshots[-1][0] if self.snapshots else None
        return TableState(
            "cold",
            len(self.snapshots) or None,
            self._records(),
            token,
            "memory:",
            self.coverage,
            self._commits(),
            None,
        )

    def _records(self) -> int:
        return sum(token.rows for token, _ in self.snapshots)

    def _commits(self) -> tuple[tuple[str, int], ...]:
        first = max(0, len(self.snapshots) - LISTED)
        return tuple((token.dumps(), first + at + 1) for at, (token, _) in enumerate(self.snapshots[first:]))

    @override
    def create(self, schema: TableSchema, *, first: bool) -> TableState:
        self.behind = self.behind if self.created else ()
        self.created = True
        state = self.load(schema.spec)
        if state is None:
            raise DataError("the table that was just created", "no table", "report this bug")
        return state

    @override
    def check_history(self, spec: TableSpec, state: TableState) -> None:
        pass  # no other job writes here

    @override
    def check_columns(self, schema: TableSchema, state: TableState, *, to_write: bool = True) -> tuple[str, ...]:
        return self.behind

    @override
    def live(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:
        return [path for _, paths in self.snapshots for path in paths]

    @override
    def mark(self, state: TableState) -> None:
        if state.token and state.token.watermark_ticks is not None:
            self.evidence = Mark(state.token.watermark_ticks, state.records)

    @override
    def remove_old_metadata(self, before: TableState, after: TableState) -> None:
        pass  # a table in memory has no metadata files

    @override
    def marked(self, state: TableState) -> Mark | None:
        return self.evidence

    @override
    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        pass  # files in memory have no footers

    @override
    def without(
        self, state: TableState, path: str, replaced_by: Sequence[str], key: Sequence[str], split: Split
    ) -> WrittenFile:
        replaced = {name for other in replaced_by for name, _ in self.files_by_path[other]}
        rows = self.files_by_path[split.path] = [row for row in self.files_by_path[path] if row[0] not in replaced]
        return WrittenFile(split, split.path, len(rows), len(rows), NO_ROWS, rewrites=path)

    @override
    def commit(
        self,
        spec: TableSpec,
        state: TableState,
        publication: Publication,
        on_uploaded: Callable[[], None],
    ) -> None:
        on_uploaded()
        self.land(spec, state, publication)

    def land(self, spec: TableSpec, state: TableState, publication: Publication) -> None:
        """Compare and swap, as the catalog does; a simulation calls it later for a commit that lands late."""
        now = self.load(spec)
        if now is None or now.snapshot_id != state.snapshot_id:
            raise Conflict("the table has another snapshot")
        self.snapshots.append((publication.token, tuple(file.path for file in publication.files)))
        self.coverage = publication.coverage
        self.behind = () if publication.schema else self.behind


def by_hour(rows: Sequence[Row], start: Callable[[int], int] = lambda hour: hour) -> Counts:
    """Counts by hour, or by what `start` makes of it; the digest is of the timestamps alone, as the key is the row."""
    counts: dict[int, Fingerprint] = {}
    for _, at in rows:
        hour = start(at // 10**FAKE_SCHEMA.precision // HOUR * HOUR)
        counts[hour] = counts.get(hour, EMPTY) + Fingerprint(1, hash(at) % HASH_MODULUS)
    return counts


@dataclass
class FakeEngine(Engine):
    """Writes lists of rows into a fake lake."""

    lake: FakeLake

    @override
    def write(self, rows: HotRows, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:
        return [self._write(rows, split, emit) for split in splits]

    def _write(self, hot: HotRows, split: Split, emit: Emit) -> WrittenFile:
        emit(Event.SPLIT_STARTED, split.rows)
        source = reduce(add, map(hot.fingerprint, split.chunks), NO_ROWS)
        rows = [row for chunk in split.chunks for batch in hot.read(chunk).batches for row in batch]
        self.lake.files_by_path[split.path] = rows
        emit(Event.FILE_WRITTEN, len(rows))
        return WrittenFile(split, split.path, len(rows), len(rows), source)


@dataclass
class FakeVerifier(Verifier, ColdReader):
    """Compares the lists."""

    lake: FakeLake
    hot: FakeRows

    @override
    def stored(self, paths: Sequence[str]) -> dict[str, StoredRows]:
        files = {path: self.lake.files_by_path[path] for path in paths}
        return {path: StoredRows(fingerprint(rows), by_hour(rows)) for path, rows in files.items()}

    @override
    def doubled(self, written: Sequence[str], existing: Sequence[str]) -> int:
        new = [key for path in written for key, _ in self.lake.files_by_path[path]]
        old = {key for path in existing for key, _ in self.lake.files_by_path[path]}
        return len(new) - len(set(new)) + sum(key in old for key in new)

    @override
    def counts(self, window: Window, hours_from: int | None) -> Counts:
        rows = [row for row in self.hot.rows if row[1] <= window.high]
        return by_hour(rows, Coverage(hours_from).start)

    @override
    def late(self, window: Window, cold_files: Callable[[int, int], Sequence[str]]) -> LateAndChanged:
        hot, cold = set(self.hot.within(window)), self.lake.rows()
        published = [row for row in cold if (window.low is None or row[1] > window.low) and row[1] <= window.high]
        hours = {hour: counted.rows for hour, counted in by_hour(published).items()}
        return LateAndChanged(len(hot - set(cold)), 0, len(set(published) - hot), hours)

    @override
    def newest(self, paths: Sequence[str]) -> int:
        return max(at for path in paths for _, at in self.lake.files_by_path[path])

    @override
    def kept(self, paths: Sequence[str], replaced_by: Sequence[str]) -> dict[str, StoredRows]:
        replaced = {key for path in replaced_by for key, _ in self.lake.files_by_path[path]}
        files = {path: [row for row in self.lake.files_by_path[path] if row[0] not in replaced] for path in paths}
        return {path: StoredRows(fingerprint(rows), by_hour(rows)) for path, rows in files.items()}

    @override
    def compare(self, window: Window, files: Sequence[str]) -> Difference:
        hot = set(self.hot.within(window))
        cold = [row for path in files for row in self.lake.files_by_path[path] if row[1] <= window.high]
        extra = len(cold) - len(set(cold) & hot)
        return Difference(len(hot), len(cold), len(hot - set(cold)), extra, 0)

    @override
    def unproven(self, window: Window, files: Sequence[str]) -> int:
        return len(set(self.hot.within(window)) - {row for path in files for row in self.lake.files_by_path[path]})
