"""
The source's port: hot tables, their rows, and statistics about them.

Every method of every port may raise `Unavailable` (the same call later is safe) and `AccessRefused` (a person must
act); other errors are named where they are raised.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from offload.model.columns import TableSchema
from offload.model.fingerprint import SourceFingerprint
from offload.model.outline import TableOutline
from offload.model.splits import BatchKind, BucketCount, Chunk
from offload.model.table import TableSpec
from offload.model.token import SourceIdentity
from offload.model.windows import Window
from offload.ports.partitions import HotPartitions
from offload.ports.verifier import ColdReader, Verifier
from offload.ports.view import TableView

Bound = tuple[str, Any, Any]
"""A column and an inclusive range of its values; None leaves an end open."""


class DuplicateKeys(Exception):  # a signal between a reader and its engine, no error of a command
    """A key was read more than once: discard what was read, and read again from `HotRows.deduplicated`."""


@dataclass(frozen=True)
class WindowStats:
    """
    Raw rows of a window at one time.

    Attributes:
        rows: Their number, duplicates included.
        without_timestamp: How many have the timestamp 1970-01-01.
        possibly_expired: How many are past their TTL.
        expired_after: Whether rows right after the window's begin are past their TTL by now: others may be gone.
        parts: Names of the parts of a table whose merges remove duplicates; empty: it has no such merges.
        near_ttl: How many are past half of their TTL.
    """

    rows: int
    without_timestamp: int
    possibly_expired: int
    parts: frozenset[str] = frozenset()
    expired_after: bool = False
    near_ttl: int = 0

    def vanished_until(self, later: WindowStats) -> int:
        """
        How many of these rows are gone in `later` for another reason than a merge.

        A part `partition_first_last_level[_mutation]` (system.parts) was merged where an active part of the same
        mutation covers its blocks; a part that was deleted, detached or rewritten by a DELETE is covered by none.
        """
        if later.rows >= self.rows:
            return 0
        merged = self.parts and not self.possibly_expired and all(_covered(part, later.parts) for part in self.parts)
        return 0 if merged else self.rows - later.rows


def _covered(part: str, parts: frozenset[str]) -> bool:
    if part in parts:
        return True
    partition, first, last, _, *mutation = part.split("_")
    return any(
        (partition, mutation) == (other[0], other[4:]) and int(other[1]) <= int(first) and int(last) <= int(other[2])
        for other in (name.split("_") for name in parts)
    )


@dataclass(frozen=True)
class ChunkStream:
    """
    The rows of a chunk as a stream.

    Attributes:
        batches: `pyarrow.RecordBatch` objects; can be iterated once, and must be closed.
        fingerprint: The source's own fingerprint of these rows. Call it when the batches are exhausted.
    """

    batches: Generator[Any]
    fingerprint: Callable[[], SourceFingerprint]


class Clock(Protocol):
    """The clock of this machine, compared with the server's."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""


class HotRows(Protocol):
    """
    A selection of the rows of one hot table.

    Never writes, never chooses what to read, and never changes: a narrower selection is a new object. Can be pickled,
    so that an engine can read in another process.
    """

    def for_batch(self, window: Window, existing: Sequence[str] = (), kind: BatchKind = BatchKind.NEW) -> HotRows:
        """
        The rows of one batch: one per key, also where its deliveries have several timestamps in the window.

        Args:
            window: The batch.
            existing: Cold data files; rows whose keys are already in them are left out.
            kind: Which rows. Late ones may have another content in cold. Of changed ones, only those are left whose
                keys are in the files with another content.

        Raises:
            DataError: A key has two contents, in the window or, for new rows, in cold.
        """

    def deduplicated(self) -> HotRows:
        """The same rows with one row per key, for a chunk in which a key was read more than once."""

    def count(self, chunk: Chunk) -> int:
        """Number of rows now; one per key after `deduplicated`."""

    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        """
        Fingerprint the rows of a chunk as a reader of cold must find them: one per key, in the target's types.

        Raises:
            DataError: A value does not fit its Iceberg type, or a key has two contents.
        """

    def read(self, chunk: Chunk) -> ChunkStream:
        """
        Read the rows of a chunk, sorted.

        The digest comes from the query that reads, the count from another: the end of a stream proves nothing.
        The stream's fingerprint raises:
            DataError: A value does not fit its Iceberg type, or a key has two contents.
            SourceMoving: An invalid value was gone on the second read.
            DuplicateKeys: A key was read more than once.
        """


class HotStatistics(Protocol):
    """Statistics of one hot table, from its raw rows: duplicates that are not merged yet are included."""

    def window_stats(self, window: Window) -> WindowStats:
        """Count the rows of a window."""

    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        """Count rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""

    def key_bounds(self, window: Window) -> list[Bound]:
        """The range of each key column in the window, where manifests can be pruned by it."""

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: the table has no row with it now."""

    def oldest(self) -> int | None:
        """Ticks from which hot should have every row; None: the table is empty."""


class DeletionLog(Protocol):
    """How rows of one hot table were deleted, as far as the server says it. For people: no decision depends on it."""

    def since(self, time: int | None) -> Sequence[str]:
        """
        The last deletions since a time (microseconds UTC on the source's clock; None: ever), in words.

        Empty where the server does not say, or may not be asked; never an error.
        """


@dataclass(frozen=True)
class HotTable:
    """
    One hot table as it was described.

    Attributes:
        schema: Its columns, and the type in which each is read, hashed and written.
        identity: Which table it is.
        stored_bytes_per_row: Estimated bytes of a row in a data file; 0: unknown.
        rows: All its rows.
        statistics: Counts of its raw rows.
        verifier: Checks files before they are published; both sides are hashed by the engine that has the hot rows.
        cold_reader: Compares its rows with published files.
        view: The view of its rows and of published files.
        deletions: How rows of it were deleted.
        partitions: Lists its partitions, and drops parts of them.
    """

    schema: TableSchema
    identity: SourceIdentity
    stored_bytes_per_row: float
    rows: HotRows
    statistics: HotStatistics
    verifier: Verifier
    cold_reader: ColdReader
    view: TableView
    deletions: DeletionLog
    partitions: HotPartitions


class Source(Protocol):
    """
    The hot tables of one ClickHouse.

    Opened at the first call, not before: CLAIM must come first.
    """

    def describe(self, spec: TableSpec) -> HotTable:
        """
        Read what the table is now.

        Raises:
            DataError: The table or one of the named columns is missing, or a type cannot be mapped.
        """

    def outline(self, source: str) -> TableOutline:
        """
        Read what the catalog says of a table that is not declared: `table` or `database.table`.

        Raises:
            DataError: There is no such table.
        """

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""
