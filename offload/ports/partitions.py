"""The port to the partitions of a hot table: the only one through which hot rows are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class HotPart:
    """
    One part of a hot table, which never changes: a merge or a mutation makes another part with another name.

    Attributes:
        name: Its name; no later part of the table has it again.
        rows: Its rows, duplicates included.
        bytes: Its size on disk, compressed.
    """

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class HotPartition:
    """
    One partition of a hot table.

    Attributes:
        id: Its id.
        low: The smallest timestamp of its rows, in ticks.
        high: The largest one.
        parts: Its parts; every row of them is within `low` and `high`.
        patches: Parts with changes of its rows that no merge has applied yet.
    """

    id: str
    low: int
    high: int
    parts: tuple[HotPart, ...]
    patches: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of its parts, duplicates included."""
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        """Size of its parts on disk."""
        return sum(part.bytes for part in self.parts)


class HotPartitions(Protocol):
    """The partitions of one hot table. Drops nothing but the part that is named."""

    def listed(self, partition: str | None = None) -> list[HotPartition]:
        """
        The partitions that have rows, by their first timestamp; only one of them where its id is given.

        The parts are listed before the timestamps are read, so that no row of a listed part is outside of them.

        Raises:
            DataError: The table is of an engine that has no partitions of its own.
        """

    def drop(self, part: str) -> bool:
        """
        Drop one part; a part that arrives later is never dropped with it. False: there is no such part any more.

        Raises:
            AccessRefused: The user may not drop.
        """

    def ttl_merges(self, *, allowed: bool) -> str:
        """
        Stop or start the merges that delete expired rows; return the statement by which a person starts them.

        The server forgets the stop when it restarts. Of a replicated table only this replica is stopped.

        Raises:
            DataError: The table is of an engine without such merges.
            AccessRefused: The user may not.
        """
