"""What is promised of a table at rest (I1 to I6), judged by the checkers from hot, cold, its history and the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from harness.checkers.content import check_content
from harness.checkers.snapshots import check_lineage, check_tokens, check_whole_batches
from harness.checkers.trade_set import check_trade_set
from harness.checkers.watermark import check_watermark
from harness.model import Batch, Ledger
from harness.readers.arrow import pa
from harness.readers.iceberg import read_cold, read_history, read_properties
from harness.readers.values import EPOCH, rows
from harness.verdict import Finding, Offence, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import SnapshotRecord
    from harness.readers.arrow import Table
    from harness.readers.iceberg import ColdTable

KEY = ("exchange", "symbol", "trade_id")
DELIVERY = ("kafka_partition", "kafka_offset", "ingestion_timestamp", "arrived_at")
TIME = "exchange_timestamp"
TOKEN = "tidemark.token"  # noqa: S105 - the property in which a writer says which batch it published
WATERMARK = "tidemark.watermark"


class Tiers(Protocol):
    """Where a cold table and its row of the watermark store are found; reading either changes nothing."""

    @property
    def cold(self) -> ColdTable:
        """The cold table."""

    def watermark_row(self) -> dict[str, Any]:
        """The table's row of the watermark store; empty where there is none."""


def promised(site: Tiers, expected: Table, *, observed: Sequence[int | None] = ()) -> list[Finding]:
    """
    Judge the whole promise.

    Args:
        site: The place; nobody is at work there.
        expected: The hot rows that must be cold, all of them and no other.
        observed: Watermarks of the table seen earlier, in their order.
    """
    history = read_history(site.cold, key=KEY, token=TOKEN)
    tokens = [json.loads(record.token) for record in history if record.token]
    mark = cold_watermark(site)
    return [
        *same_rows(site, expected),
        check_whole_batches(history, batches(expected, tokens)),
        check_lineage(history),
        check_tokens(history),
        check_watermark([None, *(token["watermark_ticks"] for token in tokens), mark]),
        *([check_watermark([*observed, mark])] if observed else []),
        check_store(site),
    ]


def same_rows(site: Tiers, expected: Table) -> list[Finding]:
    """Judge that cold holds each expected row once, alike in every column but the delivery columns, and no other."""
    found = read_cold(site.cold)
    ledger = Ledger(acked=tuple(rows(expected, KEY)))
    return [
        *check_trade_set(ledger, rows(found, KEY)),
        check_content(expected, found, key=KEY, delivery=DELIVERY),
    ]


def batches(expected: Table, tokens: Sequence[dict[str, Any]]) -> list[Batch]:
    """What each token says it published: the keys of hot from its window's start to the watermark that it set."""
    times = expected.column(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    timed = list(zip(rows(expected, KEY), times, strict=True))
    found = []
    for number, token in enumerate(tokens):
        low, high = token["window_from"], token["watermark_ticks"]  # what came later above it is the next batch's
        keys = frozenset(key for key, time in timed if time <= high and (low is None or time > low))
        found += [Batch.of(f"{number} of run {token['run_id']}", keys)] if keys else []
    return found


def cold_watermark(site: Tiers) -> int | None:
    """The watermark that the table itself names, in ticks."""
    text = read_properties(site.cold).get(WATERMARK)
    return int(text) if text else None


def check_store(site: Tiers) -> Finding:
    """Judge that the watermark store says what the table says, and that nobody holds the lease."""
    row, mark = site.watermark_row(), cold_watermark(site)
    shown = row.get("last_offload_timestamp")
    row["last_offload_timestamp"] = None if shown is None else _microseconds(shown)
    wanted = {"watermark_ticks": mark, "last_offload_timestamp": mark, "status": "success", "owner": "nobody"}
    offences = [
        Offence(f"{name}: expected {expected}, found {row.get(name)}")
        for name, expected in wanted.items()
        if row.get(name) != expected
    ]
    return judged("watermark_store", f"the store follows the table, which stands at {mark}", offences)


def _microseconds(shown: object) -> int | None:
    """A time as Postgres (aware) or SQLite (text in UTC) gives it, in microseconds since 1970 UTC."""
    try:
        moment = datetime.fromisoformat(str(shown))
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)


def published(history: Sequence[SnapshotRecord]) -> list[int]:
    """Rows of each snapshot that added some."""
    return [record.added_rows for record in history if record.added_rows]
