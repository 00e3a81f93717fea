"""
The snapshot checkers: each snapshot shows whole batches, and no snapshot without a token changes rows.

They check `SnapshotRecord`s; `harness.readers.iceberg.read_history` reads these from an Iceberg table.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.verdict import Finding, Violation, finding, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.model import ExpectedBatch, SnapshotRecord

WHOLE = "whole_batches"
LINEAGE = "snapshot_lineage"
TOKENS = "snapshot_tokens"
NOTHING = "nothing_added"


def check_whole_batches(history: Sequence[SnapshotRecord] | None, batches: Sequence[ExpectedBatch]) -> Finding:
    """
    Check that no snapshot shows part of a batch.

    Of a batch with keys, all keys are visible once at a snapshot, or none. Batches without keys are checked by count:
    the rows that a snapshot adds must be the sum of batches that were not added before.

    Args:
        history: Snapshots, oldest first; None: could not be read.
        batches: All batches that should be published.

    Returns:
        The count is of pairs of snapshot and torn batch (by count: of snapshots). UNKNOWN without a snapshot, without
        a batch, where batches are known partly by keys and partly by count, or where visible keys were not read.
    """
    if not history or not batches:
        return unknown(WHOLE, "no snapshot was read" if not history else "no batch was expected")
    keyed = [batch for batch in batches if batch.keys]
    if keyed and len(keyed) < len(batches):
        return unknown(WHOLE, "some batches have keys and some have a count only: neither can be checked")
    unread = [record.snapshot_id for record in history if record.visible is None]
    if keyed and unread:
        return unknown(WHOLE, f"the keys visible at snapshot {unread[0]} and {len(unread) - 1} others were not read")
    violations = list(_torn(history, keyed) if keyed else _odd_sums(history, batches))
    return finding(
        WHOLE, f"no snapshot shows part of a batch; {len(history)} snapshots, {len(batches)} batches", violations
    )


def _torn(history: Sequence[SnapshotRecord], batches: Sequence[ExpectedBatch]) -> Iterator[Violation]:
    for record in history:
        seen = record.visible or {}
        for batch in batches:
            times = [seen.get(key, 0) for key in batch.keys]
            rows, once = sum(times), times.count(1)
            if rows and once < batch.rows:
                text = f"snapshot {record.snapshot_id}: batch {batch.name}: {once} of {batch.rows} keys seen once"
                yield Violation(f"{text}, {rows} rows", min(once, batch.rows - once))


def _odd_sums(history: Sequence[SnapshotRecord], batches: Sequence[ExpectedBatch]) -> Iterator[Violation]:
    left = [batch.rows for batch in batches]
    for record in history:
        change = record.added_rows - record.deleted_rows
        used = _subset(left, change)
        if used is None:
            text = f"snapshot {record.snapshot_id} changes the table by {change} rows"
            yield Violation(f"{text}; batches not yet published have {left}", abs(change))
        for rows in used or ():
            left.remove(rows)


def _subset(sizes: Sequence[int], total: int) -> tuple[int, ...] | None:
    """The first of `sizes` that add up to `total`, or None."""
    sums: dict[int, tuple[int, ...]] = {0: ()}
    for size in sizes:
        sums = {reached + size: (*used, size) for reached, used in sums.items() if reached + size <= total} | sums
    return sums.get(total)


def check_lineage(history: Sequence[SnapshotRecord] | None) -> Finding:
    """
    Check that each snapshot was made from the one before it, and that its totals add up.

    A second child of one parent is a rollback, or a writer that overwrote another.

    Returns:
        The count is of violations, two at most per snapshot. UNKNOWN without a snapshot.
    """
    if not history:
        return unknown(LINEAGE, "no snapshot was read")
    violations = [violation for before, after in pairwise(history) for violation in _breaks(before, after)]
    return finding(LINEAGE, f"each snapshot follows the one before it; {len(history)} snapshots", violations)


def _breaks(before: SnapshotRecord, after: SnapshotRecord) -> Iterator[Violation]:
    if after.parent_id != before.snapshot_id:
        text = f"snapshot {after.snapshot_id} was made from {after.parent_id}, not from {before.snapshot_id}"
        yield Violation(text, abs(after.added_rows))
    elif before.total_rows is not None and after.total_rows is not None:
        expected = before.total_rows + after.added_rows - after.deleted_rows
        if after.total_rows != expected:
            text = f"snapshot {after.snapshot_id} says {after.total_rows} rows in all, its history {expected}"
            yield Violation(text, abs(after.total_rows - expected))


def check_tokens(history: Sequence[SnapshotRecord] | None) -> Finding:
    """
    Check that no batch was published twice, and that a snapshot without a token does not change the number of rows.

    Returns:
        The count is of snapshots. UNKNOWN without a snapshot, or where no snapshot has a token.
    """
    if not history or not any(record.token for record in history):
        return unknown(TOKENS, "no snapshot with a token was read")
    earlier: set[str] = set()
    violations = []
    for record in history:
        change = record.added_rows - record.deleted_rows
        if record.token is None and change:
            violations.append(
                Violation(f"snapshot {record.snapshot_id} changes {change} rows without a token", abs(change))
            )
        elif record.token in earlier:
            violations.append(
                Violation(f"snapshot {record.snapshot_id} repeats token {record.token}", record.added_rows)
            )
        earlier |= {record.token} if record.token else set()
    return finding(TOKENS, f"one token, one snapshot; {len(history)} snapshots", violations)


def check_nothing_added(before: Sequence[SnapshotRecord] | None, after: Sequence[SnapshotRecord] | None) -> Finding:
    """
    Check that a failed run did not change the table's history.

    Args:
        before: History when the run began; empty: the table had none; None: could not be read.
        after: History when the run had failed.

    Returns:
        The count is of snapshots that appeared, disappeared or changed. UNKNOWN where either could not be read.
    """
    if before is None or after is None:
        return unknown(NOTHING, f"the history {'before' if before is None else 'after'} the run could not be read")
    violations = [
        Violation(f"snapshot {one.snapshot_id} {change}: {one.added_rows} rows", one.added_rows)
        for one, change in _changes(before, after)
    ]
    return finding(NOTHING, f"a failed run adds no snapshot; {len(before)} before, {len(after)} after", violations)


def _changes(before: Sequence[SnapshotRecord], after: Sequence[SnapshotRecord]) -> Iterator[tuple[SnapshotRecord, str]]:
    earlier = {record.snapshot_id: record for record in before}
    later = {record.snapshot_id: record for record in after}
    yield from ((record, "appeared") for record in after if record.snapshot_id not in earlier)
    for record in before:
        now = later.get(record.snapshot_id)
        if now is None:
            yield record, "disappeared"
        elif replace(now, visible=None) != replace(record, visible=None):
            yield now, "changed"
