"""
What a subject may offer to the checkers; each ability is optional.

A checker that needs an ability returns UNKNOWN for a subject without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from harness.model import PublishedBatch, SnapshotRecord


@runtime_checkable
class PublishesBatches(Protocol):
    """A subject whose snapshots say which batch each of them published."""

    @property
    def token_property(self) -> str:
        """The snapshot property that has the name of the batch."""

    def published_batches(self, history: Sequence[SnapshotRecord]) -> list[PublishedBatch]:
        """The batches of the snapshots, oldest first."""


@runtime_checkable
class NamesWatermark(Protocol):
    """A subject whose cold table says up to which time its rows are complete."""

    def watermark(self, properties: Mapping[str, str]) -> int | None:
        """The watermark in the table's properties, in microseconds since 1970 UTC; None: the table has none."""


@runtime_checkable
class KeepsStore(Protocol):
    """A subject that keeps its state in a database of its own."""

    def stored(self, table: str, url: str) -> Mapping[str, Any]:
        """The state of one table, by name."""

    def stored_at_rest(self, watermark: int | None) -> Mapping[str, Any]:
        """The state that the store must have after a successful run; names that are not in it may have any value."""
