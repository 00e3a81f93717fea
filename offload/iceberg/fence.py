"""
One attempt to commit, and its fence.

The commit is a direct call of `Catalog.commit_table` (REST catalog specification, `UpdateTable`). PyIceberg 0.12's
`Transaction.commit_transaction` rebases a failed commit onto the new head, which lets a stale writer in, and deletes
the manifests of commits whose outcome it misread. This module never rebases and deletes nothing. It reads private
members of the transaction; tests/unit/offload/iceberg/test_pyiceberg_contract.py pins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import (
    AssertCurrentSchemaId,
    AssertLastAssignedFieldId,
    AssertRefSnapshotId,
    AssertTableUUID,
)

from offload.iceberg import history
from offload.iceberg.catalog import CatalogConnection
from offload.iceberg.schema_changes import follow
from offload.iceberg.staging import Staging
from offload.iceberg.times import stamped
from offload.model.cold_table import Publication, TableState
from offload.ports.lake import Conflict

MERGE = "commit.manifest-merge.enabled"


@dataclass(frozen=True)
class FencedCommit:
    """
    One attempt; built for each, so that no two share a callback.

    Attributes:
        connection: The catalog.
        publication: What the commit adds.
        on_uploaded: Called when the metadata file is uploaded and the catalog does not point to it yet.
    """

    connection: CatalogConnection
    publication: Publication
    on_uploaded: Callable[[], None]

    def send(self, state: TableState, request: tuple[Any, Any]) -> None:
        """
        Send a request, fenced on `state`.

        Raises:
            Conflict: The table is not `state` any more.
        """

        def send() -> None:
            self.connection.catalog().observed(self.on_uploaded).commit_table(state.handle, *request)

        try:
            self.connection.call(send)
        except CommitFailedException as error:
            raise Conflict(str(error)) from error

    def request(self, state: TableState, entries: Sequence[Any], removed: Sequence[Any] = ()) -> tuple[Any, Any]:
        """Stage manifest entries to add and to remove, token and properties; return requirements and updates."""
        transaction, base = Staging(state.handle), state.handle.metadata
        if self.publication.schema:  # before the snapshot, which has the id of the table's new schema
            follow(transaction, self.publication.schema)
        snapshot = _producer(transaction, self.publication.token.dumps(), overwrite=bool(removed))
        for entry in entries:
            snapshot.append_data_file(entry)
        for entry in removed:
            snapshot.delete_data_file(entry)
        self.connection.call(snapshot.commit, factor=2)
        records = state.records + sum(entry.record_count for entry in entries)
        records -= sum(entry.record_count for entry in removed)
        transaction.set_properties(history.properties(self.publication, snapshot.snapshot_id, records))
        requirements = (
            AssertTableUUID(uuid=base.table_uuid),
            AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": state.snapshot_id}),
            *(_same_schema(base) if self.publication.schema else ()),
        )
        updates = transaction._updates  # noqa: SLF001  # the contract test pins it
        return requirements, stamped(updates, base)


def _producer(transaction: Staging, token: str, *, overwrite: bool) -> Any:
    """What makes the snapshot: one that appends, or one that also removes files, in the same snapshot."""
    update = transaction.update_snapshot(snapshot_properties={history.TOKEN: token})
    if overwrite:
        return update.overwrite()
    append = update.merge_append()
    # As in Java, manifests are merged unless the table says otherwise; PyIceberg's own default is the reverse.
    merges = transaction.table_metadata.properties.get(MERGE, "true") == "true"
    append._merge_enabled = merges  # noqa: SLF001  # the contract test pins it
    return append


def _same_schema(base: Any) -> tuple[Any, ...]:
    """Another engine changes columns without a snapshot, which the assertion of the branch does not see."""
    return (
        AssertCurrentSchemaId.model_validate({"current-schema-id": base.current_schema_id}),
        AssertLastAssignedFieldId.model_validate({"last-assigned-field-id": base.last_column_id}),
    )
