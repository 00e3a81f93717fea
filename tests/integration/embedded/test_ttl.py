"""Rows and values that a TTL may have taken before they were offloaded are told, by the watermark and the TTL."""

from __future__ import annotations

import pytest

from tests.support.embedded import PLAIN, TRADES, Embedded

TTLS = {
    "a row TTL": "toDateTime(exchange_timestamp) + INTERVAL 2 DAY",
    "a tiered one": "toDateTime(exchange_timestamp) + INTERVAL 1 DAY RECOMPRESS CODEC(ZSTD(1)), "
    "toDateTime(exchange_timestamp) + INTERVAL 2 DAY DELETE",
    "one for some rows": "toDateTime(exchange_timestamp) + INTERVAL 2 DAY DELETE WHERE price >= 0",
}


@pytest.mark.parametrize("ttl", TTLS)
def test_rows_that_a_merge_took_before_the_run_are_told(stage: Embedded, ttl: str) -> None:
    """100 rows expire between two runs; nothing of them is left to count."""
    spec = stage.trades(engine=f"{PLAIN} TTL {TTLS[ttl]}")
    stage.sql("SYSTEM STOP TTL MERGES trades")
    stage.insert_trades("numbers(100)", start="now64(6, 'UTC') - INTERVAL 5 DAY", step="1")
    first = stage.run(spec)
    stage.insert_trades("numbers(100, 100)", start="now64(6, 'UTC') - INTERVAL 4 DAY", step="1")
    stage.sql("ALTER TABLE trades DELETE WHERE toUInt64(trade_id) >= 100 SETTINGS mutations_sync = 2")
    stage.insert_trades("numbers(200, 100)", start="now64(6, 'UTC') - INTERVAL 1 HOUR", step="1")

    second = stage.run(spec)
    third = stage.run(spec)

    assert (first.exit_code, second.exit_code, second.rows, second.possibly_expired_rows) == (0, 0, 100, 0), second
    told = ttl != "one for some rows"  # which rows such a rule takes cannot be known from a time alone
    assert any("never offloaded" in warning for warning in second.warnings) == told, second.warnings
    assert list(third.warnings) == []


def test_values_that_a_column_ttl_took_are_told(stage: Embedded) -> None:
    """ClickHouse puts the default in their place."""
    columns = TRADES.replace(
        "price Decimal(18, 8)", "price Decimal(18, 8) TTL toDateTime(exchange_timestamp) + INTERVAL 1 DAY"
    )
    stage.sql(f"CREATE TABLE trades ({columns}) ENGINE = {PLAIN}")
    spec = stage.declared("trades")
    stage.insert_trades("numbers(10)", start="now64(6, 'UTC') - INTERVAL 3 DAY", step="1")

    result = stage.run(spec)

    assert (result.exit_code, result.possibly_expired_rows) == (0, 10), result
    assert any("TTL" in warning for warning in result.warnings)


def test_a_table_whose_sorting_key_is_called_ttl_is_read(stage: Embedded) -> None:
    """The word is no TTL there."""
    stage.sql("CREATE TABLE t (ts DateTime64(3, 'UTC'), TTL UInt32) ENGINE = MergeTree ORDER BY TTL")
    stage.sql("INSERT INTO t SELECT now64(3) - INTERVAL number + 1 MINUTE, number FROM numbers(5)")
    from offload.model.table import TableSpec

    result = stage.run(TableSpec("t", "t", "cold.t", "bronze", "ts", "TTL"))

    assert (result.exit_code, result.rows, list(result.warnings)) == (0, 5, []), result
