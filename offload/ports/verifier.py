"""The verifier's port: compares the rows of one hot table with stored files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from offload.model.coverage import Counts
from offload.model.fingerprint import Fingerprint
from offload.model.windows import Window


@dataclass(frozen=True)
class StoredRows:
    """The rows of a stored file: their fingerprint, and counts by hour."""

    fingerprint: Fingerprint
    hours: Counts


@dataclass(frozen=True)
class Difference:
    """Hot compared with cold over a window, in rows; on the hot side a key counts once."""

    hot_rows: int
    cold_rows: int
    missing: int
    extra: int
    different: int

    @property
    def equal(self) -> bool:
        """Whether both sides have the same rows."""
        return (self.missing, self.extra, self.different) == (0, 0, 0)

    def __add__(self, other: Difference) -> Difference:
        return Difference(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


NO_DIFFERENCE = Difference(0, 0, 0, 0, 0)


class Verifier(Protocol):
    """The engine that has the hot rows of one table, reading stored files. Never writes."""

    def stored(self, paths: Sequence[str]) -> dict[str, StoredRows]:
        """
        Fingerprint the rows of each stored file, read in its physical types; ask for files that have rows only.

        Raises:
            DataError: A file is missing or unreadable: it is never left out of the result.
        """

    def counts(self, window: Window, hours_from: int | None) -> Counts:
        """Count the raw hot rows of a window by hour, and by day before `hours_from` (a second; None: by hour)."""

    def late(self, window: Window, cold_files: Callable[[int, int], Sequence[str]]) -> int:
        """Count the hot keys of a window that cold lacks; `cold_files(low, high)` takes ticks, inclusive."""

    def newest(self, paths: Sequence[str]) -> int:
        """The largest timestamp in those files, in ticks of the source column, rounded up where it was truncated."""

    def compare(self, window: Window, files: Sequence[str]) -> Difference:
        """Compare hot with cold, in every column but the delivery columns."""
