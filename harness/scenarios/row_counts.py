"""Rows per tier over time, for charts, from the evidence that each tier keeps of its rows."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.checkers.abilities import PublishesBatches
from harness.feed.journal import attempts
from harness.feed.live import MINE
from harness.readers import clickhouse
from harness.readers.arrow import pa
from harness.readers.iceberg import opened, read_cold, read_history
from harness.readers.values import column
from harness.trades.bronze import TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.environments.servers import ServerEnvironment
    from harness.feed.live import LiveFeed
    from harness.timeline import Points


def rows_per_tier(subject: object, live: LiveFeed) -> dict[str, Points]:
    """Live trades that the broker acknowledged, that are in hot, and that are in cold, over time."""
    return {"acked": acked(live), "hot": hot(live.environment), "cold": cold(subject, live)}


def acked(live: LiveFeed) -> Points:
    """Acknowledged trades, from the handler's journal."""
    answered = (attempt.answered_at for attempt in attempts(live.feed.journal) if attempt.answer == "acked")
    return _growing((at, 1) for at in answered if at is not None)


def hot(environment: ServerEnvironment) -> Points:
    """Hot trades, from the column that ClickHouse sets on insert; a redelivered trade counts at its last delivery."""
    query = (
        "SELECT toUnixTimestamp64Milli(arrived_at) / 1000, count() "
        f"FROM {environment.table} FINAL WHERE {MINE} GROUP BY 1"
    )
    with clickhouse.opened(environment.dsn) as client:
        return _growing((float(at), int(rows)) for at, rows in client.query(query).result_rows)


def cold(subject: object, live: LiveFeed) -> Points:
    """Cold trades, from the snapshots' times and batches; empty for a subject that does not name its batches."""
    if not isinstance(subject, PublishesBatches):
        return []
    found = read_cold(live.environment.cold, ["trade_id", TIME])
    times = found.column(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    mine = sorted(at for name, at in zip(column(found, "trade_id"), times, strict=True) if live.owns((name,)))
    batches = subject.published_batches(read_history(live.environment.cold, token=subject.token_property))
    with opened(live.environment.cold) as table:
        committed = {snapshot.snapshot_id: snapshot.timestamp_ms / 1000 for snapshot in table.snapshots()}
    marks = sorted((committed[batch.snapshot_id], batch.upto) for batch in batches)
    return [(at, bisect_right(mine, mark)) for at, mark in marks]


def _growing(steps: Iterable[tuple[float, int]]) -> Points:
    ordered = sorted(steps)
    return list(zip((at for at, _ in ordered), accumulate(rows for _, rows in ordered), strict=True))
