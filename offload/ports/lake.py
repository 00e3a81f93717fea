"""The lake's ports: cold tables with their catalog, and their data files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from offload.model.cold_table import Mark, Publication, TableState, WrittenFile
from offload.model.columns import TableSchema
from offload.model.splits import Split
from offload.model.table import TableSpec
from offload.ports.source import Bound


class Conflict(Exception):  # a signal: the protocol reads the table, and decides
    """Another commit came first; nothing of this one was published."""


class NotSent(Exception):  # a signal: there is no outcome to look for
    """The commit failed before it was sent; the argument is the error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Lake(Protocol):
    """Cold tables and their catalog. Never deletes anything."""

    def load(self, spec: TableSpec) -> TableState | None:
        """
        The table as it is now; None: the catalog has no such table.

        Raises:
            ConfigurationError: The warehouse is missing.
            DataError: The token cannot be read.
        """

    def create(self, schema: TableSchema, *, first: bool) -> TableState:
        """
        Create the table; a table that another run has just created is loaded instead.

        `first`: no run of the table has succeeded. Then nothing may lie where it is created; otherwise a dropped table
        may lie there, and the new one gets a folder of its own.

        Raises:
            ConfigurationError: A table lies there that this catalog does not have.
        """

    def check_history(self, spec: TableSpec, state: TableState) -> None:
        """
        Check that the history since the last token explains the table.

        Raises:
            DataError: Another job filled it, rolled it back, changed its rows or recreated it.
        """

    def check_columns(self, schema: TableSchema, state: TableState, *, to_write: bool = True) -> tuple[str, ...]:
        """
        Check that the cold table has the hot table's columns. Changes nothing.

        Returns the changes that a commit with this schema makes, where the declaration allows them; none: the columns
        fit.

        `to_write`: also what only new files depend on, such as the partition.

        Raises:
            DataError: A column is missing on one side, or has another type, and cold must not or cannot follow.
        """

    def commit(
        self,
        spec: TableSpec,
        state: TableState,
        publication: Publication,
        on_uploaded: Callable[[], None],
    ) -> None:
        """
        Publish files, token and coverage in one commit that is valid for `state` only, or nothing.

        A publication with a schema changes the columns in the same commit.

        `on_uploaded` is called when the metadata is stored and the catalog does not point to it yet.
        Never rebases. After any error but Conflict the commit may have landed, or may land later: no data file may be
        deleted.

        Raises:
            Conflict: The table is not `state` any more; nothing was published.
            NotSent: Nothing was sent to the catalog.
        """


class Rewriter(Protocol):
    """Writes rows of published files into new files. Never changes or removes a file."""

    def without(
        self, state: TableState, path: str, replaced_by: Sequence[str], key: Sequence[str], split: Split
    ) -> WrittenFile:
        """
        Write the rows of a published file whose keys are not in other files, in their order.

        Args:
            state: The table, in whose schema the new file is written.
            path: The published file.
            replaced_by: Written files; the keys of their rows are left out.
            key: The key columns.
            split: Number and path of the new file.

        Raises:
            DataError: A value of the file cannot be read in the table's type.
        """


class ColdFiles(Protocol):
    """The data files of a cold table, and the small files beside them. Never writes or removes a data file."""

    def live(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:
        """
        Live files that may have rows within all the bounds.

        Raises:
            DataError: Delete files remove rows of one of them.
        """

    def mark(self, state: TableState) -> None:
        """
        Write beside the table how far it was published, after a commit that was seen to land.

        A catalog that is restored from a backup does not change it. It is evidence, and decides nothing by itself.

        Raises:
            OffloadError: It could not be written; the next commit writes it again.
        """

    def remove_old_metadata(self, before: TableState, after: TableState) -> None:
        """
        Remove metadata files that the table does not list any more, where its properties say so.

        Call it only after a commit that was seen to land: the catalog then points to a file that is listed.

        Raises:
            OffloadError: One could not be removed. It costs room, and nothing else.
        """

    def marked(self, state: TableState) -> Mark | None:
        """What `mark` wrote last for this table; None: nothing, or for another table of the same folder."""

    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        """
        Check names, field ids and types of each stored file against the table's schema.

        Raises:
            DataError: They differ.
        """
