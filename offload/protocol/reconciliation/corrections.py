"""
Corrections: published rows whose content hot has changed are replaced, copy on write, where the declaration says so.

The check for late rows has found the hours or days that have some. There, the changed rows are written like any batch,
and each data file that has their old versions is written anew without them. One commit adds both and removes the old
files: a reader sees the old row or the new one, never both or none. No delete file is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from offload.errors import DataError, SourceMoving
from offload.model.cold_table import Publication, TableState, WrittenFile
from offload.model.coverage import window_of
from offload.model.fingerprint import EMPTY
from offload.model.splits import BatchKind, Split
from offload.model.steps import Event, Step
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import StoredRows
from offload.protocol.planning import Batch, files_within, in_batches
from offload.protocol.publish import commit_token, committed
from offload.protocol.reconciliation.late_rows import LateRows
from offload.protocol.session import Session
from offload.protocol.transfer import transfer


@dataclass(frozen=True)
class Rewritten:
    """
    Published files that have old versions of changed rows, and the files that have their other rows.

    Attributes:
        before: The rows of each published file, by its path.
        files: The new files, with the counts of their rows by hour; none for a file of which no row is left.
    """

    before: dict[str, StoredRows]
    files: tuple[WrittenFile, ...]


def replaces(spec: TableSpec) -> bool:
    """Whether changed rows are replaced."""
    return spec.changed == "replace"


def correct(session: Session, hot: HotTable, state: TableState, late: LateRows) -> tuple[TableState, LateRows]:
    """Replace changed rows; return the table after it, and the check as it is then."""
    watermark = state.token.watermark_ticks if state.token else None
    if watermark is None:
        return state, late

    def published(before: TableState, batch: Batch) -> TableState:
        files = transfer(session, hot, before, batch).files
        return _published(session, hot, before, batch, files, late) if files else before

    for start, end in state.coverage.changed_spans():
        window = window_of(start, end - start, watermark, hot.schema.precision)
        state = in_batches(session, hot, state, window, BatchKind.CHANGED, published)
    return state, replace(late, changed=state.coverage.changed, coverage=state.coverage)


def warn_left(session: Session, late: LateRows) -> None:
    """Warn about changed rows that are to be replaced and were not; of a table that keeps them the check has warned."""
    if late.changed and replaces(session.spec):
        session.trace.warn(f"{late.changed} published rows of {session.spec.target} have not been replaced yet")


def _published(
    session: Session, hot: HotTable, state: TableState, batch: Batch, files: list[WrittenFile], late: LateRows
) -> TableState:
    rewritten = _rewritten(session, hot, state, batch, files)
    watermark = state.token.watermark_ticks if state.token else None
    assert watermark is not None  # noqa: S101  # only below a watermark rows can have changed
    rows = sum(file.rows for file in files)
    token = commit_token(session, hot, state, Window(watermark, watermark), watermark, late)
    token = replace(token, late_from=batch.window.low, late_to=batch.window.high, replaced_rows=rows)
    coverage = state.coverage.replaced(
        [stored.hours for stored in rewritten.before.values()],
        [file.hours for file in rewritten.files],
        [file.hours for file in files],
    )
    publication = Publication(token, (*files, *rewritten.files), coverage, tuple(rewritten.before))
    return committed(session, hot.schema.spec, state, publication, replaced_rows=rows)


def _rewritten(
    session: Session, hot: HotTable, state: TableState, batch: Batch, files: Sequence[WrittenFile]
) -> Rewritten:
    """
    Write the published files that have the keys of `files` anew, without those rows, and verify what was stored.

    Raises:
        SourceMoving: Cold lacks some of the keys: another job has changed it.
        DataError: A stored file differs from the rows that are to be kept.
    """
    new = [file.path for file in files]
    with session.trace.step(Step.WRITE, sum(file.rows for file in files)):
        low = batch.window.low if batch.window.low is not None else 0
        candidates = files_within(session.adapters.cold_files, hot, state, low, batch.window.high)
        whole = hot.verifier.kept(candidates, ()) if candidates else {}
        left = hot.verifier.kept(candidates, new) if candidates else {}
        affected = [path for path in candidates if left[path].fingerprint != whole[path].fingerprint]
        _check_replaced(session, files, sum(whole[p].fingerprint.rows - left[p].fingerprint.rows for p in affected))
        first = max(file.split.number for file in files) + 1
        written = {
            path: _without(session, hot, state, Split(first + at, (), _beside(path, files[0], first + at)), path, new)
            for at, path in enumerate(affected)
            if left[path].fingerprint.rows
        }
    with session.trace.step(Step.VERIFY, sum(file.rows for file in written.values())):
        kept = _verified(session, hot, state, written, left)
    return Rewritten({path: whole[path] for path in affected}, tuple(kept))


def _beside(path: str, written: WrittenFile, number: int) -> str:
    """A path in the folder of a published file, with the name of this attempt, which no other run uses."""
    folder, name = path.rpartition("/")[0], written.path.rpartition("/")[2]
    return f"{folder}/{name.removesuffix('.parquet')}-kept{number:05d}.parquet"


def _without(
    session: Session, hot: HotTable, state: TableState, split: Split, path: str, replaced_by: Sequence[str]
) -> WrittenFile:
    file = session.adapters.rewriter.without(state, path, replaced_by, hot.schema.spec.key, split)
    session.trace.emit(Event.FILE_WRITTEN, file.rows)
    return file


def _check_replaced(session: Session, files: Sequence[WrittenFile], old: int) -> None:
    new = sum(file.rows for file in files)
    if old < new:  # more, where a person has accepted a key that cold has twice: then both rows are replaced
        raise SourceMoving(
            f"a published row of {session.spec.target} for each of {new} changed ones",
            f"{old} rows: another job has changed the table, or a data file was gone for a moment",
            session.spec.command("run"),
        )


def _verified(
    session: Session, hot: HotTable, state: TableState, written: dict[str, WrittenFile], left: dict[str, StoredRows]
) -> list[WrittenFile]:
    files = list(written.values())
    session.adapters.cold_files.check_footers(state, files)
    stored = hot.verifier.kept([file.path for file in files], ()) if files else {}
    for path, file in written.items():
        expected, found = left[path].fingerprint, stored.get(file.path, StoredRows(EMPTY, {})).fingerprint
        if expected != found:
            raise DataError(
                f"{expected.rows} rows of digest {expected.digest:016x} in {file.path}, as they are in {path}",
                f"{found.rows} rows of digest {found.digest:016x}",
                f"check the object store and the memory of this machine for faults, then {session.spec.command('run')}",
            )
    return [replace(file, hours=stored[file.path].hours) for file in files]
