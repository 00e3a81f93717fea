"""VERIFY: what was stored against what was seen, and what to do when they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

from offload.errors import DataError, SourceMoving
from offload.model.cold_table import TableState, WrittenFile
from offload.model.fingerprint import EMPTY, Fingerprint, SourceFingerprint
from offload.model.splits import Chunk, Split
from offload.model.windows import Window
from offload.ports.engine import Emit, Engine
from offload.ports.lake import Lake
from offload.ports.source import HotTable
from offload.ports.verifier import Verifier

READ_AGAIN = 3


class Verification:
    """
    Holds the files of one batch against the hot rows.

    A source may move between two looks (late insert, merge, TTL). What was stored is right when it equals the look
    before WRITE, or else a look taken now: rows that vanish after they were read never cause what was read to be
    thrown away.
    """

    def __init__(
        self, *, verifier: Verifier, lake: Lake, engine: Engine, hot: HotTable, state: TableState, emit: Emit
    ) -> None:
        self._verifier = verifier
        self._lake = lake
        self._engine = engine
        self._hot = hot
        self._state = state
        self._emit = emit

    def verified(self, files: Sequence[WrittenFile]) -> list[WrittenFile]:
        """
        The files to publish, each with a look at hot that it equals; splits that differ are read again.

        Raises:
            SourceMoving: Hot changed under every attempt.
            DataError: Hot stands still and what is stored differs; or a footer is not the table's.
        """
        right: list[WrittenFile] = []
        open_files = list(files)
        looks: dict[int, SourceFingerprint] = {}
        moved = False
        for attempt in range(READ_AGAIN + 1):
            found = self._stored(open_files)
            judged = [self._judge(file, found[file.path]) for file in open_files]
            right += [file for file, equal in judged if equal]
            wrong = [(before, after) for before, (after, equal) in zip(open_files, judged, strict=True) if not equal]
            if not wrong:
                return sorted((file for file in right if file.rows), key=lambda file: file.split.number)
            now = {after.split.number: after.source for _, after in wrong}
            moved = moved or any(looks.get(number, seen) != seen for number, seen in now.items())
            looks |= now
            if attempt < READ_AGAIN:
                again = [_renamed(file.split, attempt) for file, _ in wrong]
                open_files = self._engine.write(self._hot, again, self._state.schema, self._emit)
        raise self._refusal(wrong[0][1], found[wrong[0][0].path], moved=moved)

    def check_cover(
        self, window: Window, planned: Sequence[Chunk], files: Sequence[WrittenFile], raw_rows: int
    ) -> None:
        """
        Check that the pieces of a batch are the batch: every file equals its own piece, which says nothing of gaps.

        `raw_rows` is what the window held in PLAN, copies included.

        Raises:
            SourceMoving: Rows have come since then, where no piece is.
            DataError: The pieces hold more or fewer rows than the window, however often both are counted.
        """
        if sum(file.rows for file in files) == self._hot.count(Chunk(window)):
            return
        for _ in range(READ_AGAIN):  # the source may have moved since; then pieces and window agree on what it is now
            whole = self._hot.count(Chunk(window))
            adapters = sum(self._hot.count(chunk) for chunk in planned)
            if adapters == whole:
                return
        spec = self._hot.schema.spec
        now = self._hot.window_stats(window).rows
        if now != raw_rows:
            raise SourceMoving(f"{raw_rows} rows of {spec.source}, as in PLAN", f"{now}", spec.command("run"))
        raise DataError(
            f"{whole} rows of {spec.source} in the pieces of a batch", f"{adapters}", "report it: it is cut wrongly"
        )

    def _stored(self, files: Sequence[WrittenFile]) -> dict[str, Fingerprint]:
        filled = [file for file in files if file.rows]
        self._lake.check_footers(self._state, filled)
        found = self._verifier.stored(self._hot.schema, [file.path for file in filled]) if filled else {}
        return {file.path: found.get(file.path, EMPTY) for file in files}

    def _judge(self, file: WrittenFile, stored: Fingerprint) -> tuple[WrittenFile, bool]:
        if stored == file.source.fingerprint:
            return file, True
        now = fingerprint_split(self._hot, file.split)
        return replace(file, source=now), stored == now.fingerprint

    def _refusal(self, file: WrittenFile, stored: Fingerprint, *, moved: bool) -> SourceMoving | DataError:
        spec = self._hot.schema.spec
        wanted = file.source.fingerprint
        expected = f"{wanted.rows} rows of digest {wanted.digest:016x} in {file.path}"
        found = f"{stored.rows} rows of digest {stored.digest:016x}, {READ_AGAIN + 1} times"
        if moved:
            return SourceMoving(expected, f"{found}; {spec.source} changed between looks", spec.command("run"))
        return DataError(
            expected, f"{found}, while {spec.source} stands still", "look for a fault in storage or memory"
        )


def _renamed(split: Split, attempt: int) -> Split:
    return replace(split, path=f"{split.path.removesuffix('.parquet')}-again{attempt + 1}.parquet")


def fingerprint_split(hot: HotTable, split: Split) -> SourceFingerprint:
    """
    Fingerprint the hot rows of a split.

    Raises:
        DataError: A value that cannot be carried, or a key with two contents.
    """
    return reduce(add, map(hot.fingerprint, split.chunks))
