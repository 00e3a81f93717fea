"""The nouns of the harness: what was fed in, and what the cold table's history says."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

Key = tuple[Hashable, ...]
"""The values of the key columns of one row, as `harness.readers.values.rows` gives them."""


@dataclass(frozen=True)
class Ledger:
    """
    What was produced, by the answer that its producer got; each in the order of production.

    A key that stands in several was tried several times: acked outweighs unknown, unknown outweighs refused.

    Attributes:
        acked: Must be found, once.
        refused: Must not be found.
        unknown: No answer came: may be found, once at most.
    """

    acked: tuple[Key, ...] = ()
    refused: tuple[Key, ...] = ()
    unknown: tuple[Key, ...] = ()


@dataclass(frozen=True)
class ExpectedBatch:
    """Rows that must become visible together: by their `keys`, or where rows have none, by their count alone."""

    name: str
    rows: int
    keys: frozenset[Key] = frozenset()

    @classmethod
    def of(cls, name: str, keys: frozenset[Key]) -> ExpectedBatch:
        """A batch known by its keys."""
        return cls(name, len(keys), keys)


@dataclass(frozen=True)
class SnapshotRecord:
    """
    One snapshot of an Iceberg table's history.

    Attributes:
        snapshot_id: Its id.
        parent_id: Id of the snapshot that it was made from; None for the first.
        operation: append, replace, overwrite or delete.
        added_rows: `added-records` of the summary.
        deleted_rows: `deleted-records` of the summary.
        total_rows: `total-records` of the summary; None where the summary does not tell.
        token: What the writer said of its batch in the summary; None where it said nothing.
        visible: The keys that a reader of this snapshot sees, and how often each; None: not read.
    """

    snapshot_id: int
    parent_id: int | None
    operation: str
    added_rows: int
    deleted_rows: int = 0
    total_rows: int | None = None
    token: str | None = None
    visible: Mapping[Key, int] | None = None
