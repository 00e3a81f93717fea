"""When each live trade reached each tier, from the evidence that the tiers keep of it themselves: for pictures."""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.feed.journal import attempts
from harness.feed.live import MINE
from harness.readers import clickhouse
from harness.readers.arrow import pa
from harness.readers.iceberg import opened, read_cold
from harness.readers.values import column
from harness.trades.bronze import TIME, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.environments.servers import ServerEnvironment
    from harness.feed.live import LiveFeed
    from harness.timeline import Points


def rows_per_tier(live: LiveFeed) -> dict[str, Points]:
    """Live trades acknowledged by the broker, inserted into hot, and published to cold, over time."""
    return {"acked": acked(live), "hot": hot(live.environment), "cold": cold(live)}


def acked(live: LiveFeed) -> Points:
    """By the handler's journal."""
    answered = (attempt.answered_at for attempt in attempts(live.feed.journal) if attempt.answer == "acked")
    return _growing((at, 1) for at in answered if at is not None)


def hot(environment: ServerEnvironment) -> Points:
    """By the column that ClickHouse sets on insert; a trade that was delivered again counts when it came last."""
    query = (
        "SELECT toUnixTimestamp64Milli(arrived_at) / 1000, count() "
        f"FROM {environment.table} FINAL WHERE {MINE} GROUP BY 1"
    )
    with clickhouse.opened(environment.dsn) as client:
        return _growing((float(at), int(rows)) for at, rows in client.query(query).result_rows)


def cold(live: LiveFeed) -> Points:
    """By the snapshots' own times, and the watermarks in their tokens."""
    found = read_cold(live.environment.cold, ["trade_id", TIME])
    times = found.column(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    mine = sorted(at for name, at in zip(column(found, "trade_id"), times, strict=True) if live.owns((name,)))
    with opened(live.environment.cold) as table:
        said = [(one.timestamp_ms / 1000, one.summary and one.summary[TOKEN]) for one in table.snapshots()]
    marks = [(at, json.loads(token)["watermark_ticks"]) for at, token in said if token]
    return [(at, bisect_right(mine, mark)) for at, mark in sorted(marks)]


def _growing(steps: Iterable[tuple[float, int]]) -> Points:
    ordered = sorted(steps)
    return list(zip((at for at, _ in ordered), accumulate(rows for _, rows in ordered), strict=True))
