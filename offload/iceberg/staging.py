"""
What a commit costs on a table of many commits.

PyIceberg 0.12 applies the staged updates anew at every look at a transaction's metadata, and copies the whole metadata,
with every snapshot, each time: sixteen times in one commit, which takes a second on a table of a thousand. Here the
updates are applied once, and the copies share the snapshots and the logs, whose entries never change.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from typing_extensions import override

T = TypeVar("T")
_LISTS = ("snapshots", "snapshot_log", "metadata_log")


class SharedEntries(list[T]):
    """A list whose deep copy is another list of the same entries."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return type(self)(self)

    @override
    def __add__(self, other: list[T]) -> Self:  # type: ignore[override] # what is added to it is shared as well
        return type(self)([*self, *other])


def shared(metadata: TableMetadata) -> TableMetadata:
    """The metadata, whose deep copies share the entries of its long lists."""
    return metadata.model_copy(update={name: SharedEntries(getattr(metadata, name)) for name in _LISTS})


class Staging(Transaction):
    """A transaction that applies its updates once, until another one is staged."""

    _applied: tuple[Any, TableMetadata] | None = None

    @property
    @override
    def table_metadata(self) -> TableMetadata:
        if self._applied is None or self._applied[0] is not self._updates:
            self._applied = self._updates, super().table_metadata
        return self._applied[1]
