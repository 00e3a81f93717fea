"""The token and the records of a cold table, and a check that its history explains both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from pyiceberg.manifest import ManifestContent
from pyiceberg.table.snapshots import Operation, Snapshot

from offload.errors import DataError
from offload.iceberg import times
from offload.model.cold_table import Publication, TableState
from offload.model.coverage import Coverage
from offload.model.table import TableSpec
from offload.model.token import CommitToken

TOKEN = "tidemark.token"  # noqa: S105  # a commit token, no secret
SNAPSHOT = "tidemark.snapshot-id"
RECORDS = "tidemark.total-records"
WATERMARK = "tidemark.watermark"
SOURCE = "tidemark.source"
COVERAGE = "tidemark.coverage"
VERIFIED = "tidemark.verified-through"
EXPIRED = "tidemark.expired-through"


def properties(publication: Publication, snapshot_id: int, records: int) -> dict[str, str]:
    """The table properties that are set in the same commit as the snapshot; they stay when the snapshot expires."""
    token = publication.token
    return {
        COVERAGE: publication.coverage.dumps(),
        TOKEN: token.dumps(),
        SNAPSHOT: str(snapshot_id),
        RECORDS: str(records),
        WATERMARK: _text(token.watermark_ticks),
        VERIFIED: _text(token.verified_through),
        EXPIRED: _text(token.expired_through),
        SOURCE: f"{token.source_cluster}/{token.source_uuid}",
    }


def _text(ticks: int | None) -> str:
    return "" if ticks is None else str(ticks)


def token(table: Any) -> CommitToken | None:
    """
    The token of the last data commit; None: no commit has one.

    Raises:
        DataError: The property cannot be parsed.
    """
    text = table.properties.get(TOKEN)
    if text is None:
        return None
    try:
        return CommitToken.loads(text)
    except ValueError as error:
        raise DataError(
            f"a token in property {TOKEN} of {'.'.join(table.name())}",
            text[:200],
            "restore the table's metadata, or unset the property and run offload adopt",
        ) from error


def commits(table: Any) -> tuple[tuple[str, int], ...]:
    """Token and snapshot of every listed commit of ours, as they are written."""
    found = ((snapshot.summary and snapshot.summary[TOKEN], snapshot.snapshot_id) for snapshot in table.snapshots())
    return tuple((text, snapshot_id) for text, snapshot_id in found if text)


def coverage(table: Any) -> Coverage:
    """The hot rows that the table has, by time; one that is missing or unreadable is nothing: all is compared anew."""
    try:
        return Coverage.loads(table.properties.get(COVERAGE, ""))
    except ValueError:
        return Coverage()


def records(table: Any) -> int:
    """Rows of the current snapshot by its manifest list; rows that delete files remove are not counted."""
    snapshot = table.current_snapshot()
    if snapshot is None:
        return 0
    total = 0
    for manifest in snapshot.manifests(table.io):
        rows = (manifest.added_rows_count or 0) + (manifest.existing_rows_count or 0)
        total += rows if manifest.content == ManifestContent.DATA else -rows
    return total


def check(spec: TableSpec, state: TableState) -> None:
    """
    Check that the history since the last token explains the table.

    Raises:
        DataError: Another job filled it, rolled it back, changed its rows or recreated it.
    """
    token = state.token
    _check_times(spec, state.handle.metadata)
    if token is None:
        if state.records:
            raise DataError(
                f"{spec.target} to be empty or to have a commit token",
                f"{state.records} rows and no token: another job filled the table",
                spec.command("adopt"),
            )
        return
    if token.table_uuid != state.uuid:
        _refuse(
            spec, f"the table {token.table_uuid}", f"the table {state.uuid}: the table was dropped and created again"
        )
    table = state.handle
    if not all(table.properties.get(name, "").isdecimal() for name in (SNAPSHOT, RECORDS)):
        _refuse(
            spec, f"numbers in the properties {SNAPSHOT} and {RECORDS} beside the token", "a table without one of them"
        )
    published = int(table.properties[SNAPSHOT])
    listed = {snapshot.snapshot_id for snapshot in table.snapshots()}
    lineage = list(_lineage(table.metadata))
    _check_chain(spec, lineage)
    if published in listed and published not in {snapshot.snapshot_id for snapshot in lineage}:
        _refuse(
            spec,
            f"snapshot {published} among the ancestors of the current snapshot",
            f"a rollback to {state.snapshot_id}",
        )
    _check_lineage(spec, lineage, published, listed=published in listed)
    if state.records != int(table.properties[RECORDS]):
        _refuse(spec, f"{table.properties[RECORDS]} rows", f"{state.records} rows: another job added or deleted some")


def _lineage(metadata: Any) -> Iterator[Snapshot]:
    """The current snapshot and its ancestors that are listed; PyIceberg searches the whole list for each of them."""
    by_id = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    snapshot = by_id.get(metadata.current_snapshot_id)
    while snapshot is not None:
        yield snapshot
        snapshot = by_id.get(snapshot.parent_snapshot_id)


def _check_lineage(spec: TableSpec, lineage: Sequence[Snapshot], published: int, *, listed: bool) -> None:
    """Every snapshot since the last commit of ours leaves the rows unchanged, also where ours has expired."""
    for snapshot in lineage:
        ours = snapshot.summary is not None and snapshot.summary[TOKEN]
        if snapshot.snapshot_id == published or (ours and not listed):
            break
        if not _leaves_rows_unchanged(snapshot):
            _refuse(
                spec,
                "no commit of another job since the last token",
                f"snapshot {snapshot.snapshot_id}, {snapshot.summary}",
            )


def _check_times(spec: TableSpec, metadata: Any) -> None:
    step = times.step_back(metadata)
    if step is not None:
        raise DataError(
            f"times in the logs of {spec.target} that go back by at most {times.TOLERANCE // 1000} s, as Java requires",
            f"a step back of {step / 1000:.0f} s: a machine with a wrong clock has committed to it",
            "remove the entries of the wrong clock (docs/runbooks/unsorted-log.md), then "
            f"{spec.command('run')}; until then Spark, Trino and Flink cannot load the table",
        )


def _check_chain(spec: TableSpec, lineage: Sequence[Snapshot]) -> None:
    """Each window begins at the watermark of the commit before it, or at the end of the window that it published."""
    texts = [snapshot.summary[TOKEN] for snapshot in lineage if snapshot.summary and snapshot.summary[TOKEN]]
    tokens = [CommitToken.loads(text) for text in texts if text]
    for later, before in pairwise(tokens):
        low, mark = later.window_from, before.watermark_ticks
        if low is not None and mark is not None and not mark <= low <= max(mark, before.window_to):
            _refuse(
                spec,
                f"a window that begins at the watermark {mark}",
                f"one that begins at {low}: rows between them may not have been published (offload audit counts them)",
            )


def _leaves_rows_unchanged(snapshot: Snapshot) -> bool:
    summary = snapshot.summary
    if summary is None:
        return False
    touched = any(int(summary[name] or 0) for name in ("added-records", "deleted-records") if summary[name])
    return summary.operation == Operation.REPLACE or not touched


def _refuse(spec: TableSpec, expected: str, found: str) -> None:
    raise DataError(
        f"{expected} in {spec.target}",
        found,
        f"roll the table to its last published snapshot, or accept it: {spec.command('adopt')}",
    )
