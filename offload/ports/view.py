"""The port of the view of both tiers, hot and cold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ViewedState:
    """
    What a view shows: published files, and the hot rows after them.

    Attributes:
        files: Every data file of one snapshot.
        watermark: That snapshot's watermark in ticks; None: nothing was published, and all rows are hot ones.
    """

    files: tuple[str, ...]
    watermark: int | None


class TableView(Protocol):
    """
    A view of one table in ClickHouse: the rows of one snapshot, and the hot rows after its watermark.

    Both are named in the view's own text, which is replaced as a whole: at no instant a row is in both, or in none.
    """

    def statement(self, name: str, state: ViewedState) -> str:
        """The statement that creates the view, with names in the place of secrets."""

    def create(self, name: str, state: ViewedState) -> None:
        """
        Create the view, or replace it at once.

        Raises:
            AccessRefused: The user may not create views there.
            DataError: There is a table of that name that is no view.
        """

    def drop(self, name: str) -> None:
        """Drop the view, if there is one."""


@dataclass(frozen=True)
class RecordedView:
    """
    A view that runs keep up to date.

    Attributes:
        name: `view` or `database.view`.
        snapshot_id: The snapshot that it shows; None: it was created before the first one.
    """

    name: str
    snapshot_id: int | None
