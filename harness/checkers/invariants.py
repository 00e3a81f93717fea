"""What is promised of a table at rest (I1 to I6), judged by the checkers from hot, cold, its history and the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.checkers.content import check_content
from harness.checkers.snapshots import check_lineage, check_tokens, check_whole_batches
from harness.checkers.store import Tiers, check_store, cold_watermark
from harness.checkers.trade_set import check_trade_set
from harness.checkers.watermark import check_watermark
from harness.model import ExpectedBatch, Ledger
from harness.readers.arrow import pa
from harness.readers.iceberg import read_cold, read_history
from harness.readers.values import rows
from harness.trades.bronze import DELIVERY, KEY, TIME, TOKEN
from harness.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import SnapshotRecord
    from harness.readers.arrow import Table


def check_invariants(environment: Tiers, expected: Table, *, observed: Sequence[int | None] = ()) -> list[Finding]:
    """
    Judge the whole promise.

    Args:
        environment: The place; nobody is at work there.
        expected: The hot rows that must be cold, all of them and no other.
        observed: Watermarks of the table seen earlier, in their order.
    """
    history = read_history(environment.cold, key=KEY, token=TOKEN)
    tokens = [json.loads(record.token) for record in history if record.token]
    mark = cold_watermark(environment)
    return [
        *check_rows(environment, expected),
        check_whole_batches(history, batches(expected, tokens)),
        check_lineage(history),
        check_tokens(history),
        check_watermark([None, *(token["watermark_ticks"] for token in tokens), mark]),
        *([check_watermark([*observed, mark])] if observed else []),
        check_store(environment),
    ]


def check_rows(environment: Tiers, expected: Table) -> list[Finding]:
    """Judge that cold holds each expected row once, alike in every column but the delivery columns, and no other."""
    found = read_cold(environment.cold)
    ledger = Ledger(acked=tuple(rows(expected, KEY)))
    return [
        *check_trade_set(ledger, rows(found, KEY)),
        check_content(expected, found, key=KEY, delivery=DELIVERY),
    ]


def batches(expected: Table, tokens: Sequence[dict[str, Any]]) -> list[ExpectedBatch]:
    """What each token says it published: the keys of hot from its window's start to the watermark that it set."""
    times = expected.column(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    timed = list(zip(rows(expected, KEY), times, strict=True))
    found = []
    for number, token in enumerate(tokens):
        low, high = token["window_from"], token["watermark_ticks"]  # what came later above it is the next batch's
        keys = frozenset(key for key, time in timed if time <= high and (low is None or time > low))
        found += [ExpectedBatch.of(f"{number} of run {token['run_id']}", keys)] if keys else []
    return found


def published(history: Sequence[SnapshotRecord]) -> list[int]:
    """Rows of each snapshot that added some."""
    return [record.added_rows for record in history if record.added_rows]
