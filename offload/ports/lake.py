"""The lake's port: cold tables and their catalog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from offload.model.cold_table import TableState, WrittenFile
from offload.model.columns import TableSchema
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.ports.source import Bound


class Lake(Protocol):
    """The cold table and its catalog. Deletes nothing, whatever happens."""

    def load(self, spec: TableSpec) -> TableState | None:
        """
        The table as it stands, or None where the catalog has none.

        Raises:
            ConfigurationError: The warehouse is missing.
            DataError: The token cannot be read.
        """

    def create(self, schema: TableSchema) -> TableState:
        """Create the table; one that another run has just created is loaded instead."""

    def check_history(self, spec: TableSpec, state: TableState) -> None:
        """
        Check that the history since the last token explains the table.

        Raises:
            DataError: Filled by another job, rolled back, appended to, deleted from or recreated by hand.
        """

    def check_columns(self, schema: TableSchema, state: TableState) -> None:
        """
        Hold the hot table's columns against the cold table's.

        Raises:
            DataError: A column is missing on one side, or of another type.
        """

    def files(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:
        """Live files that may hold rows within all the bounds."""

    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        """
        Hold names, field ids and types of each stored file against the table's schema.

        Raises:
            DataError: They do not agree.
        """

    def publish(
        self,
        spec: TableSpec,
        state: TableState,
        files: Sequence[WrittenFile],
        token: CommitToken,
        told: Callable[[], None],
    ) -> TableState:
        """
        One commit: files, token and properties, or nothing; `told` is called between upload and the catalog's turn.

        Never rebases. No data file may be deleted after any of its errors.

        Raises:
            Fenced: The table no longer has the UUID or the last token of `state`.
            OutcomeUnknown: Sent, and it cannot be seen whether it landed.
        """
