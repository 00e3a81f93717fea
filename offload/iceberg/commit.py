"""
The commit and its fence.

The commit is a direct call of `Catalog.commit_table` (REST catalog specification, `UpdateTable`). PyIceberg 0.12's
`Transaction.commit_transaction` rebases a failed commit onto the new head, which lets a stale writer in, and deletes
the manifests of commits whose outcome it misread. This module never rebases and deletes nothing. It reads private
members of the transaction; tests/unit/offload/iceberg/test_pyiceberg_contract.py pins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID

from offload.errors import Fenced, OffloadError, OutcomeUnknown, Unavailable
from offload.iceberg import history
from offload.iceberg.catalog import CatalogConnection
from offload.iceberg.times import stamped
from offload.model.cold_table import Publication, TableState
from offload.model.table import TableSpec
from offload.model.token import CommitToken

_ATTEMPTS = 5


@dataclass(frozen=True)
class Commit:
    """
    One commit of one table; built for each publication, so that no two share a callback.

    Attributes:
        connection: The catalog.
        load: Loads the table as it is now.
        spec: The table.
        publication: What it adds.
        on_uploaded: Called when the metadata file is uploaded and the catalog does not point to it yet.
    """

    connection: CatalogConnection
    load: Callable[[TableSpec], TableState | None]
    spec: TableSpec
    publication: Publication
    on_uploaded: Callable[[], None]

    @property
    def token(self) -> CommitToken:
        """The token of this commit."""
        return self.publication.token

    def publish(self, state: TableState, entries: Callable[[TableState], Sequence[Any]]) -> TableState:
        """
        Commit manifest entries, token and properties at once, fenced on `state`; return the table after it.

        `entries` makes the manifest entries for a table as it is now: its partition and its order may have changed.

        Raises:
            Fenced: The table no longer has the UUID or the last token of `state`.
            OutcomeUnknown: The commit was sent, and whether it landed cannot be read.
        """
        for _ in range(_ATTEMPTS):
            request = self._request(state, entries(state))
            try:
                self._send(state, request)
            except Exception as error:  # after every error, conflicts included: read the table before acting
                now = self._after_error(state, error)
                if now.token == self.token:
                    return now
                if not isinstance(error, CommitFailedException):
                    raise
                # Another commit came between. If it left the rows unchanged (a compaction), try again on top of it.
                history.check(self.spec, now)
                state = now
            else:
                return self._after_success()
        raise Fenced(
            f"no other commit to {self.spec.target} during {_ATTEMPTS} attempts",
            f"a commit during each of {_ATTEMPTS} attempts",
            self.spec.command("run"),
        )

    def _request(self, state: TableState, entries: Sequence[Any]) -> tuple[Any, Any]:
        transaction = state.handle.transaction()
        append = transaction.update_snapshot(snapshot_properties={history.TOKEN: self.token.dumps()}).fast_append()
        for entry in entries:
            append.append_data_file(entry)
        self.connection.call(append.commit, factor=2)
        records = state.records + sum(entry.record_count for entry in entries)
        transaction.set_properties(history.properties(self.publication, append.snapshot_id, records))
        requirements = (
            AssertTableUUID(uuid=state.handle.metadata.table_uuid),
            AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": state.snapshot_id}),
        )
        updates = transaction._updates  # noqa: SLF001  # the contract test pins it
        return requirements, stamped(updates, state.handle.metadata)

    def _send(self, state: TableState, request: tuple[Any, Any]) -> None:
        def send() -> None:
            self.connection.catalog().observed(self.on_uploaded).commit_table(state.handle, *request)

        self.connection.call(send)

    def _after_error(self, state: TableState, error: Exception) -> TableState:
        """
        The table after a commit that failed.

        Raises:
            Fenced: Another run has published, or the catalog has another table under this name.
            OutcomeUnknown: The table cannot be read.
        """
        try:
            now = self.load(self.spec)
        except OffloadError as unreadable:
            raise OutcomeUnknown(
                f"to read whether the commit of {self.token.rows} rows to {self.spec.target} landed",
                f"{error}; then {unreadable.found}",
                f"{self.spec.command('run')}, which reads the table before it writes",
            ) from error
        if now is not None and (landed := _landed(now, self.token)):
            return landed
        if now is None or now.uuid != state.uuid or now.token != state.token:
            raise Fenced(
                f"{self.spec.target} as it was when this run loaded it",
                _other_writer(state, now),
                self.spec.command("run"),
            ) from error
        return now

    def _after_success(self) -> TableState:
        try:
            now = self.load(self.spec)
        except Unavailable as error:
            raise OutcomeUnknown(
                f"{self.spec.target} to be readable after its commit",
                error.found,
                f"{self.spec.command('run')}, which reads the table before it writes",
            ) from error
        landed = _landed(now, self.token) if now else None
        if landed is None:
            raise Fenced(
                f"{self.spec.target} to have the token of the commit that it accepted",
                f"{now and now.token}",
                "offload status",
            )
        return landed


def _landed(now: TableState, token: CommitToken) -> TableState | None:
    """
    The table after this commit; None: the commit did not land.

    Another run may have published since: then the returned state is old, and the next commit of this run is fenced.
    """
    if now.token == token:
        return now
    for snapshot in now.handle.snapshots():
        if snapshot.summary is not None and snapshot.summary[history.TOKEN] == token.dumps():
            return replace(now, token=token, snapshot_id=snapshot.snapshot_id)
    return None


def _other_writer(state: TableState, now: TableState | None) -> str:
    if now is None:
        return "no such table"
    return f"another table, {now.uuid}" if now.uuid != state.uuid else f"another commit: {now.token}"
