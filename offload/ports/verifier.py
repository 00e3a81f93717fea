"""The verifier's port: compares the rows of one hot table with stored files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from offload.model.coverage import Counts
from offload.model.fingerprint import Fingerprint
from offload.model.windows import Window


@dataclass(frozen=True)
class StoredRows:
    """The rows of a stored file: their fingerprint, and counts by hour."""

    fingerprint: Fingerprint
    hours: Counts


class FilesMissing(Exception):  # a signal: only the protocol can tell a compaction from a loss
    """Cold files that were to be read are not in the warehouse any more; the argument is their paths."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(paths)
        self.paths = tuple(paths)


@dataclass(frozen=True)
class Difference:
    """
    Hot compared with cold over a window, in rows; on the hot side a key counts once.

    `doubled` counts the rows of cold beyond one per key, of a table that has a key.
    """

    hot_rows: int
    cold_rows: int
    missing: int
    extra: int
    different: int
    doubled: int = 0

    @property
    def equal(self) -> bool:
        """Whether both sides have the same rows, and cold each key once."""
        return (self.missing, self.extra, self.different, self.doubled) == (0, 0, 0, 0)

    def __add__(self, other: Difference) -> Difference:
        return Difference(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Accepted:
    """Differences between hot and cold that a person accepts: exactly so many rows of each kind."""

    missing: int = 0
    extra: int = 0
    different: int = 0

    def covers(self, found: Difference) -> bool:
        """Whether these are the differences that were found; keys that cold has twice are extra rows."""
        same = (found.missing, found.extra, found.different) == (self.missing, self.extra, self.different)
        return same and (not found.doubled or self.extra > 0)


@dataclass(frozen=True)
class LateAndChanged:
    """
    Hot compared with cold over a window, below the watermark; on the hot side a key counts once.

    Attributes:
        late: Keys of hot that cold lacks.
        changed: Keys that both have with different content, delivery columns left out.
        deleted: Rows of cold that hot lacks although their TTL has not passed.
        published: Rows of cold by the first second of their hour.
    """

    late: int
    changed: int = 0
    deleted: int = 0
    published: Mapping[int, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Rows of cold that hot has, or that are past their TTL."""
        return sum(self.published.values()) - self.deleted

    @property
    def nothing(self) -> bool:
        """Whether hot has the rows of cold, and no other key."""
        return not (self.late or self.changed or self.deleted)


NO_DIFFERENCE = Difference(0, 0, 0, 0, 0)


class Verifier(Protocol):
    """The engine that has the hot rows of one table, reading stored files. Never writes."""

    def stored(self, paths: Sequence[str]) -> dict[str, StoredRows]:
        """
        Fingerprint the rows of each stored file, read in its physical types; ask for files that have rows only.

        Raises:
            DataError: A file is missing or unreadable: it is never left out of the result.
        """

    def doubled(self, written: Sequence[str], existing: Sequence[str]) -> int:
        """
        Rows of the written files whose key another row of them has, or a row of the existing cold files.

        Raises:
            FilesMissing: A file is not there any more.
        """

    def kept(self, paths: Sequence[str], replaced_by: Sequence[str]) -> dict[str, StoredRows]:
        """Per file: fingerprint and counts by hour of the rows whose keys are not in the files that replace them."""


class ColdReader(Protocol):
    """
    Compares the rows of one hot table with published files. Never writes.

    Every method that reads files raises:
        FilesMissing: A file is not there any more; no answer is made of the others.
    """

    def counts(self, window: Window, hours_from: int | None) -> Counts:
        """Count the raw hot rows of a window by hour, and by day before `hours_from` (a second; None: by hour)."""

    def late(self, window: Window, cold_files: Callable[[int, int], Sequence[str]]) -> LateAndChanged:
        """
        Count the hot keys of a window that cold lacks, those whose content differs, and the cold rows that hot lacks.

        `cold_files(low, high)` takes ticks, inclusive. A window without a begin begins with hot's first row.
        """

    def newest(self, paths: Sequence[str]) -> int:
        """The largest timestamp in those files, in ticks of the source column, rounded up where it was truncated."""

    def compare(self, window: Window, files: Sequence[str]) -> Difference:
        """Compare hot with cold, in every column but the delivery columns."""

    def unproven(self, window: Window, files: Sequence[str]) -> int:
        """Count the hot rows of a window whose key and content no row of these files has, under whatever time."""
