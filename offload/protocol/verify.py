"""VERIFY: compare stored files with their source, and read the splits again whose files differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

from offload.errors import DataError, SourceMoving
from offload.model.cold_table import TableState, WrittenFile
from offload.model.fingerprint import EMPTY, Fingerprint, SourceFingerprint
from offload.model.splits import BatchKind, Chunk, Split
from offload.ports.engine import Emit
from offload.ports.source import HotRows, HotTable
from offload.ports.verifier import StoredRows
from offload.protocol.adapters import Adapters
from offload.protocol.planning import Batch, existing_files

READ_AGAIN = 3


class Verification:
    """
    Compares the files of one batch with the hot rows.

    A source may change between two reads (late insert, merge, TTL). A stored file is right when it equals the source's
    fingerprint from WRITE, or else one taken now: rows that vanish after they were read are published all the same.
    """

    def __init__(self, adapters: Adapters, hot: HotTable, state: TableState, batch: Batch, emit: Emit) -> None:
        self._adapters = adapters
        self._hot = hot
        self._state = state
        self._batch = batch
        self._emit = emit

    def verified(self, files: Sequence[WrittenFile]) -> list[WrittenFile]:
        """
        Return the files to publish, each with the source's fingerprint that it equals.

        Raises:
            SourceMoving: Hot changed during every attempt.
            DataError: A stored file differs while hot does not change, or has another schema than the table.
        """
        right: list[WrittenFile] = []
        open_files = list(files)
        sources: dict[int, SourceFingerprint] = {}
        moved = False
        for attempt in range(READ_AGAIN + 1):
            found = self._stored(open_files)
            compared = [self._compare(file, found[file.path]) for file in open_files]
            right += [file for file, equal in compared if equal]
            wrong = [(before, after) for before, (after, equal) in zip(open_files, compared, strict=True) if not equal]
            if not wrong:
                return sorted((file for file in right if file.rows), key=lambda file: file.split.number)
            now = {after.split.number: after.source for _, after in wrong}
            moved = moved or any(sources.get(number, source) != source for number, source in now.items())
            sources |= now
            if attempt < READ_AGAIN:
                again = [_renamed(file.split, attempt) for file, _ in wrong]
                open_files = self._adapters.engine.write(self._batch.rows, again, self._state.schema, self._emit)
        self._check_columns()
        raise self._refusal(wrong[0][1], found[wrong[0][0].path].fingerprint, moved=moved)

    def check_cover(self, files: Sequence[WrittenFile]) -> tuple[int, int]:
        """
        Check that the chunks of the batch cover its window: that each file equals its chunks does not show gaps.

        Returns the rows of the window that are copies, or whose keys cold has already; and those that have vanished.

        Raises:
            SourceMoving: Rows have appeared since PLAN where no chunk is.
            DataError: The chunks have more or fewer rows than the window, in every count.
        """
        window = Chunk(self._batch.window)
        rows = self._batch.rows.deduplicated() if any(file.deduplicated for file in files) else self._batch.rows
        now = self._hot.statistics.window_stats(self._batch.window)
        whole = rows.count(window)
        written = sum(file.rows for file in files)
        self._check_chunks(rows, window, whole, written)
        copies = max(0, now.rows - whole)
        unread = max(0, self._batch.stats.rows - written - copies)
        return copies, min(unread, self._batch.stats.vanished_until(now))

    def _check_chunks(self, rows: HotRows, window: Chunk, whole: int, written: int) -> None:
        if written == whole:
            return
        planned = [chunk for split in self._batch.splits for chunk in split.chunks]
        for _ in range(READ_AGAIN):  # the source may have changed since; then chunks and window agree on its rows now
            parts = sum(rows.count(chunk) for chunk in planned)
            if parts == whole:
                return
            whole = rows.count(window)
        spec = self._hot.schema.spec
        now = self._hot.statistics.window_stats(self._batch.window).rows
        if now != self._batch.stats.rows:
            raise SourceMoving(
                f"{self._batch.stats.rows} rows of {spec.source}, as in PLAN", f"{now}", spec.command("run")
            )
        raise DataError(
            f"{whole} rows of {spec.source} in the chunks of a batch",
            f"{parts}",
            "report this bug with the table's CREATE statement: the batch is cut wrongly",
        )

    def _stored(self, files: Sequence[WrittenFile]) -> dict[str, StoredRows]:
        filled = [file for file in files if file.rows]
        self._adapters.cold_files.check_footers(self._state, filled)
        found = self._hot.verifier.stored([file.path for file in filled]) if filled else {}
        return {file.path: found.get(file.path, StoredRows(EMPTY, {})) for file in files}

    def _compare(self, file: WrittenFile, stored: StoredRows) -> tuple[WrittenFile, bool]:
        counted = replace(file, hours=stored.hours)
        if stored.fingerprint == file.source.fingerprint:
            return counted, True
        now = fingerprint_split(self._batch.rows, file.split)
        return replace(counted, source=now), stored.fingerprint == now.fingerprint

    def _check_columns(self) -> None:
        """
        Check that the columns of hot are those that PLAN saw.

        Raises:
            SourceMoving: They were altered; the values were read in another type than the one that was written.
        """
        before = self._hot.schema
        now = self._adapters.source.describe(before.spec).schema
        if now.columns != before.columns:
            changed = [f"{one.name} {one.mapping.clickhouse}" for one in now.columns if one not in before.columns]
            raise SourceMoving(
                f"the columns of {before.spec.source} to stay as they were when the run began",
                f"other columns: {', '.join(changed) or 'some are gone'}",
                before.spec.command("run"),
            )

    def _refusal(self, file: WrittenFile, stored: Fingerprint, *, moved: bool) -> SourceMoving | DataError:
        spec = self._hot.schema.spec
        source = file.source.fingerprint
        expected = f"{source.rows} rows of digest {source.digest:016x} in {file.path}"
        found = f"{stored.rows} rows of digest {stored.digest:016x}, {READ_AGAIN + 1} times"
        if moved:
            return SourceMoving(expected, f"{found}; {spec.source} changed between reads", spec.command("run"))
        return DataError(
            expected,
            f"{found}, while {spec.source} did not change",
            f"check the object store and the memory of this machine for faults, then {spec.command('run')}",
        )


def check_keys(
    adapters: Adapters, hot: HotTable, state: TableState, batch: Batch, files: Sequence[WrittenFile]
) -> None:
    """
    Check, for late rows and where a key can come again at another time, that no key would be in cold twice.

    PLAN has left such keys out, but deliveries may have arrived since.

    Raises:
        SourceMoving: Keys came again while the batch was read; the next run leaves them out.
    """
    spec = hot.schema.spec
    new = spec.timestamp_follows_key and batch.kind is BatchKind.NEW
    if not files or not spec.key or new or batch.kind is BatchKind.CHANGED:  # the files with those keys are replaced
        return
    existing = existing_files(adapters.cold_files, hot, batch.window, state, batch.kind)
    doubled = hot.verifier.doubled([file.path for file in files], existing)
    if doubled:
        raise SourceMoving(
            f"each key of {spec.source} once in {spec.target}",
            f"{doubled} rows whose keys were delivered again while the batch was read",
            spec.command("run"),
        )


def fingerprint_split(rows: HotRows, split: Split) -> SourceFingerprint:
    """
    Fingerprint the hot rows of a split.

    Raises:
        DataError: A value does not fit its Iceberg type, or a key has two contents.
    """
    return reduce(add, map(rows.fingerprint, split.chunks))


def _renamed(split: Split, attempt: int) -> Split:
    return replace(split, path=f"{split.path.removesuffix('.parquet')}-again{attempt + 1}.parquet")
