"""The invariants I1 to I6 of a table at rest, checked on its hot rows, its cold rows, its history and its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.checkers.abilities import NamesWatermark, PublishesBatches
from harness.checkers.content import check_content
from harness.checkers.snapshots import WHOLE, check_lineage, check_tokens, check_whole_batches
from harness.checkers.store import check_store
from harness.checkers.trade_set import check_trade_set
from harness.checkers.watermark import NAME as WATERMARK
from harness.checkers.watermark import check_watermark
from harness.model import ExpectedBatch, Ledger
from harness.readers.arrow import pa
from harness.readers.iceberg import read_cold, read_history, read_properties
from harness.readers.values import rows
from harness.trades.bronze import DELIVERY, KEY, TIME
from harness.verdict import Finding, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import PublishedBatch, SnapshotRecord
    from harness.readers.arrow import Table
    from harness.readers.iceberg import ColdTableAddress


class Tiers(Protocol):
    """The addresses of one table; reading them changes nothing."""

    @property
    def table(self) -> str:
        """Name of the hot table."""

    @property
    def cold(self) -> ColdTableAddress:
        """The cold table."""

    @property
    def store_url(self) -> str:
        """SQLAlchemy address of the subject's own state."""


def check_invariants(
    subject: object, environment: Tiers, expected: Table, *, observed: Sequence[int | None] = ()
) -> list[Finding]:
    """
    Check all invariants; no run may be active.

    Args:
        subject: The job under test. Where it lacks an ability, the checkers that need the ability return UNKNOWN.
        environment: The addresses of the table.
        expected: The hot rows that must be cold: all of them, and no others.
        observed: Watermarks of the table that were read earlier, oldest first.
    """
    history = read_history(environment.cold, key=KEY, token=token_property(subject))
    mark = cold_watermark(subject, environment.cold)
    return [
        *check_rows(environment, expected),
        *check_history(subject, history, expected, mark),
        *([check_watermark([*observed, mark])] if observed else []),
        check_store(subject, environment.table, environment.store_url, mark),
    ]


def check_rows(environment: Tiers, expected: Table) -> list[Finding]:
    """Check that cold has each expected row once, equal in all but the delivery columns, and no other row."""
    found = read_cold(environment.cold)
    ledger = Ledger(acked=tuple(rows(expected, KEY)))
    return [
        *check_trade_set(ledger, rows(found, KEY)),
        check_content(expected, found, key=KEY, delivery=DELIVERY),
    ]


def check_history(
    subject: object, history: Sequence[SnapshotRecord], expected: Table, mark: int | None
) -> list[Finding]:
    """
    Check the snapshots: whole batches, an unbroken lineage, one token per batch, a watermark that only grows.

    Whole batches and watermarks are UNKNOWN for a subject without the ability `PublishesBatches`, tokens are UNKNOWN
    where no snapshot has one.
    """
    if not isinstance(subject, PublishesBatches):
        missing = f"{type(subject).__name__} has no ability PublishesBatches"
        return [unknown(WHOLE, missing), check_lineage(history), check_tokens(history), unknown(WATERMARK, missing)]
    published = subject.published_batches(history)
    return [
        check_whole_batches(history, expected_batches(expected, published, history)),
        check_lineage(history),
        check_tokens(history),
        check_watermark([None, *(batch.upto for batch in published), mark]),
    ]


def expected_batches(
    expected: Table, published: Sequence[PublishedBatch], history: Sequence[SnapshotRecord] = ()
) -> list[ExpectedBatch]:
    """
    The keys of hot rows in the window of each batch; a batch without such rows is left out.

    Late rows are in no window: those of a late batch are the keys that its snapshot shows and the one before does not.
    """
    swept = {batch.snapshot_id: _first_shown(history, batch.snapshot_id) for batch in published if batch.late}
    late = frozenset().union(*swept.values())
    times = expected.column(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    timed = list(zip(rows(expected, KEY), times, strict=True))
    found = []
    for batch in published:
        low, high = batch.after, batch.upto
        window = (key for key, time in timed if time <= high and (low is None or time > low))
        keys = swept[batch.snapshot_id] if batch.late else frozenset(window) - late
        found += [ExpectedBatch.of(batch.name, keys)] if keys else []
    return found


def _first_shown(history: Sequence[SnapshotRecord], snapshot_id: int) -> frozenset[tuple[object, ...]]:
    seen: frozenset[tuple[object, ...]] = frozenset()
    for record in history:
        visible = frozenset(record.visible or ())
        if record.snapshot_id == snapshot_id:
            return visible - seen
        seen = visible
    return frozenset()


def token_property(subject: object) -> str | None:
    """The snapshot property in which the subject names its batches; None: it has no ability `PublishesBatches`."""
    return subject.token_property if isinstance(subject, PublishesBatches) else None


def cold_watermark(subject: object, cold: ColdTableAddress) -> int | None:
    """
    The watermark of a cold table, in microseconds since 1970 UTC; None: it has none, or the subject names none.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    return subject.watermark(read_properties(cold)) if isinstance(subject, NamesWatermark) else None
