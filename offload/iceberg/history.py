"""What a cold table says of itself: its token, its records, and whether its history explains it."""

from __future__ import annotations

from typing import Any

from pyiceberg.manifest import ManifestContent
from pyiceberg.table.snapshots import Operation, Snapshot, ancestors_of

from offload.errors import DataError
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.token import CommitToken

TOKEN = "tidemark.token"  # noqa: S105  # a commit token, no secret
SNAPSHOT = "tidemark.snapshot-id"
RECORDS = "tidemark.total-records"
WATERMARK = "tidemark.watermark"
SOURCE = "tidemark.source"


def properties(token: CommitToken, snapshot_id: int, records: int) -> dict[str, str]:
    """The table properties that are set in the same commit as the snapshot; they survive its expiry."""
    return {
        TOKEN: token.dumps(),
        SNAPSHOT: str(snapshot_id),
        RECORDS: str(records),
        WATERMARK: "" if token.watermark_ticks is None else str(token.watermark_ticks),
        SOURCE: f"{token.source_cluster}/{token.source_uuid}",
    }


def token(table: Any) -> CommitToken | None:
    """
    The token of the last data commit, or None.

    Raises:
        DataError: The property is there and is no token.
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


def records(table: Any) -> int:
    """Rows of the current snapshot by its manifest list; rows that delete files hide count as gone."""
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
        DataError: Filled by another job, rolled back, appended to, deleted from or recreated by hand.
    """
    token = state.token
    if token is None:
        if state.records:
            raise DataError(
                f"{spec.target} to be empty or to bear a token",
                f"{state.records} rows and no token: another job filled it",
                spec.command("adopt"),
            )
        return
    if token.table_uuid != state.uuid:
        _refuse(spec, f"the table {token.table_uuid}", f"{state.uuid}: it was recreated by hand")
    table = state.handle
    published = int(table.properties[SNAPSHOT])
    listed = {snapshot.snapshot_id for snapshot in table.snapshots()}
    lineage = list(ancestors_of(table.current_snapshot(), table.metadata))
    if published in listed and published not in {snapshot.snapshot_id for snapshot in lineage}:
        _refuse(spec, f"snapshot {published} among the current one's ancestors", f"a rollback to {state.snapshot_id}")
    for snapshot in lineage:
        if snapshot.snapshot_id == published:
            break
        if published in listed and not _leaves_rows_unchanged(snapshot):
            _refuse(spec, "no commit but ours since the last token", f"{_told(snapshot)}")
    if state.records != int(table.properties[RECORDS]):
        _refuse(spec, f"{table.properties[RECORDS]} rows", f"{state.records}: rows were added or deleted by hand")


def _leaves_rows_unchanged(snapshot: Snapshot) -> bool:
    summary = snapshot.summary
    if summary is None:
        return False
    touched = any(int(summary[name] or 0) for name in ("added-records", "deleted-records") if summary[name])
    return summary.operation == Operation.REPLACE or not touched


def _told(snapshot: Snapshot) -> str:
    return f"snapshot {snapshot.snapshot_id}, {snapshot.summary}"


def _refuse(spec: TableSpec, expected: str, found: str) -> None:
    raise DataError(
        f"{expected} in {spec.target}",
        found,
        f"roll the table to its last published snapshot, or accept it as it is: {spec.command('adopt')}",
    )
