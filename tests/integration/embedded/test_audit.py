"""Audit compares hot and cold, as far as hot still has the rows."""

from __future__ import annotations

import pytest

from offload.results import TableAudit
from tests.support.embedded import PLAIN, REPLACING, START, Embedded


def counts(found: TableAudit) -> tuple[int, int, int, int, int]:
    """The counts of an audit."""
    return found.hot_rows, found.cold_rows, found.missing, found.extra, found.different


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SELECT 1", (100, 100, 0, 0, 0)),
        (
            "INSERT INTO trades (symbol, trade_id, exchange_timestamp) VALUES ('BTC', '900', '2024-08-01 00:00:00.05')",
            (101, 100, 1, 0, 0),
        ),
        ("ALTER TABLE trades DELETE WHERE trade_id = '50' SETTINGS mutations_sync = 2", (99, 100, 0, 1, 0)),
        ("ALTER TABLE trades UPDATE price = 7 WHERE trade_id = '50' SETTINGS mutations_sync = 2", (100, 100, 0, 0, 1)),
        (
            "ALTER TABLE trades UPDATE kafka_offset = 7 WHERE trade_id = '50' SETTINGS mutations_sync = 2",
            (100, 100, 0, 0, 0),
        ),
        ("INSERT INTO trades SELECT * REPLACE (7 AS kafka_offset) FROM trades", (100, 100, 0, 0, 0)),
        ("INSERT INTO trades SELECT * REPLACE (7 AS price) FROM trades WHERE trade_id = '50'", (100, 100, 0, 0, 1)),
    ],
    ids=["nothing", "missing", "extra", "different", "delivery", "redelivered", "second content"],
)
def test_each_kind_of_difference_is_counted(
    stage: Embedded, engine: str, change: str, expected: tuple[int, ...]
) -> None:
    """Missing, extra and different rows by count; delivery columns and duplicates are no differences."""
    spec = stage.trades(100, engine=engine)
    stage.run(spec)
    stage.sql(change)

    found = stage.audit(spec)

    assert counts(found) == expected
    assert found.equal == (expected[2:] == (0, 0, 0))
    assert found.exit_code == (0 if found.equal else 65)


def test_rows_above_the_watermark_are_not_missing_yet(stage: Embedded) -> None:
    """Audit ends at the watermark."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(100, 50)")

    assert counts(stage.audit(spec)) == (100, 100, 0, 0, 0)


def test_cold_rows_whose_day_hot_has_dropped_are_not_extra(stage: Embedded) -> None:
    """Without a TTL audit begins with hot's oldest day."""
    spec = stage.trades(100)
    stage.insert_trades("numbers(100, 50)", start=f"{START} + INTERVAL 1 DAY")
    stage.run(spec)
    stage.sql("ALTER TABLE trades DROP PARTITION '2024-08-01'")

    assert counts(stage.audit(spec)) == (50, 50, 0, 0, 0)


def test_cold_rows_that_hot_has_expired_are_not_extra(stage: Embedded) -> None:
    """With a TTL, audit begins at the oldest row that has not expired, also within a day."""
    spec = stage.trades(engine=f"{PLAIN} TTL toDateTime(exchange_timestamp) + INTERVAL 30 DAY")
    stage.insert_trades("numbers(48)", start="now64(6, 'UTC') - INTERVAL 48 HOUR", step="3600000000")
    first = stage.run(spec)
    stage.sql(
        "ALTER TABLE trades MODIFY TTL toDateTime(exchange_timestamp) + INTERVAL 1 DAY SETTINGS mutations_sync = 2"
    )
    stage.sql("OPTIMIZE TABLE trades FINAL")

    second, found = stage.run(spec), stage.audit(spec)

    assert (first.rows, second.exit_code, second.late_rows) == (48, 0, 0)
    assert found.equal, found
    assert 22 <= found.hot_rows == found.cold_rows <= 24
    assert len(stage.cold_ids(spec)) == 48


def test_rows_that_may_have_expired_before_they_were_published_are_counted(stage: Embedded) -> None:
    """A run after the TTL publishes the remaining rows, and warns that others may have expired."""
    spec = stage.trades(engine=f"{PLAIN} TTL toDateTime(exchange_timestamp) + INTERVAL 1 DAY")
    stage.sql("SYSTEM STOP TTL MERGES trades")
    stage.insert_trades("numbers(10)", start="now64(6, 'UTC') - INTERVAL 30 HOUR", step="3600000000")

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 10), result
    assert 5 <= result.possibly_expired_rows <= 7
    assert any("TTL" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("start", "end", "rows"), [("2024-08-01T00:00:00.05", None, 50), (None, "2024-08-01T00:00:00.049", 50)]
)
def test_a_part_can_be_audited(stage: Embedded, start: str | None, end: str | None, rows: int) -> None:
    """`--from` and `--to` are both part of it."""
    spec = stage.trades(100)
    stage.run(spec)

    assert counts(stage.audit(spec, start=start, end=end)) == (rows, rows, 0, 0, 0)


def test_rows_without_a_timestamp_are_counted(stage: Embedded) -> None:
    """ClickHouse stores 1970-01-01 for a missing timestamp: such rows are counted and published."""
    spec = stage.trades(10)
    stage.sql("INSERT INTO trades (symbol, trade_id) VALUES ('BTC', '900'), ('BTC', '901')")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.rows_without_timestamp) == (0, 12, 2), result
    assert any("1970" in warning for warning in result.warnings)
