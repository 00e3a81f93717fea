"""
What the protocol needs of the world: small Protocols, one reason to change each.

Every method may raise `Unavailable` (the same call later is safe) and `AccessRefused` (a person must act); what else
one raises stands with it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from offload.model.columns import TableSchema
from offload.model.fingerprint import SourceFingerprint
from offload.model.splits import BucketCount, Chunk
from offload.model.table import TableSpec
from offload.model.token import SourceIdentity
from offload.model.windows import Window

Bound = tuple[str, Any, Any]
"""A column and the inclusive range of values wanted of it; None leaves an end open."""


class Clock(Protocol):
    """Our own clock, beside the server's."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""


class HotTable(Protocol):
    """One hot table, as it was described. Never writes, and never chooses what to read."""

    @property
    def schema(self) -> TableSchema:
        """Its columns and how each travels."""

    @property
    def identity(self) -> SourceIdentity:
        """Which table it is."""

    @property
    def stored_bytes_per_row(self) -> float:
        """Bytes of a row in a data file, estimated; 0: unknown."""

    def one_batch(self, window: Window) -> None:
        """
        Begin a batch: forget what was set aside, look for deliveries of one row across the window.

        Raises:
            DataError: A key with two contents.
        """

    def window_stats(self, window: Window) -> WindowStats:
        """Count the window as it stands and say what is odd in it."""

    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        """Count raw rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""

    def count(self, chunk: Chunk) -> int:
        """How many rows there are now, one per key."""

    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        """
        Fingerprint the rows of a piece as a reader of cold must find them: one per key, in the target's types.

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
        """

    def read(self, chunk: Chunk) -> ChunkStream:
        """
        Read the same rows, sorted, with a look at them.

        The digest comes by the query that reads, the count by another: a stream that ends proves nothing.
        The look raises:
            DataError: A value that cannot be carried, or a key with two contents.
            SourceMoving: Such a value came and went.
            DuplicateKeys: A key came twice: what was read is to be thrown away; reading again gives it once.
        """

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: no row bears it any more."""

    def key_bounds(self, window: Window) -> list[Bound]:
        """The range of each key column in the window, where manifests can be pruned by it."""

    def oldest(self) -> int | None:
        """Ticks from which hot should hold every row; None: it holds none."""


class Source(Protocol):
    """
    The hot tables of one ClickHouse.

    Opened at the first call, not before: CLAIM must come first.
    """

    def describe(self, spec: TableSpec) -> HotTable:
        """
        Look at a table as it is now.

        Raises:
            DataError: The table or one of the named columns is missing, or a type cannot be carried.
        """

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""


@dataclass(frozen=True)
class WindowStats:
    """Raw rows of a window, duplicates included, and how many of them are odd."""

    rows: int
    without_timestamp: int
    possibly_expired: int


@dataclass(frozen=True)
class ChunkStream:
    """
    The rows of a piece, on their way.

    Attributes:
        batches: `pyarrow.RecordBatch` after `pyarrow.RecordBatch`; may be taken once, and must be closed.
        seen: What the source says that it sent. To be asked when the batches have been taken to the end.
    """

    batches: Generator[Any]
    seen: Callable[[], SourceFingerprint]
