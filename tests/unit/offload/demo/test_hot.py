"""The demo's hot tier: the tables are as designed, and the generated trades are like real ones."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from offload.demo import hot
from offload.demo.generate import generate
from offload.demo.messages import DemoTrade, parse
from offload.demo.trades import RecordedTrades
from offload.errors import ConfigurationError, DataError

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """An empty hot tier that keeps what is years old."""
    with hot.opened(f"chdb:///{tmp_path / 'clickhouse'}") as opened:
        hot.create_tables(opened, hot.KEEP_RECORDINGS_DAYS)
        yield opened


def test_the_three_tables_have_one_definition(client: Any) -> None:
    """Columns, defaults, skip index, engine, order, partitions and TTL: only the names differ."""
    texts = [client.command(f"SHOW CREATE TABLE {table}").replace(table, "") for table in hot.TABLES]

    assert len(set(texts)) == 1
    for part in ("DEFAULT now64(3, \\'UTC\\')", "TYPE minmax", "ReplacingMergeTree", "toIntervalDay(25000)"):
        assert part in texts[0]


def test_a_ttl_that_datetime_cannot_hold_is_refused(client: Any) -> None:
    """It would wrap round, and the next merge would delete every row."""
    with pytest.raises(ValueError, match="the last day of DateTime"):
        hot.create_tables(client, 36_500)


def test_a_folder_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A file is in its place: exit 78, with the packages to install or the option to change."""
    (tmp_path / "file").write_text("no folder")

    with (
        pytest.raises(ConfigurationError, match=r"no other process that has .*file/clickhouse open"),
        hot.opened(f"chdb:///{tmp_path / 'file' / 'clickhouse'}"),
    ):
        pass


def test_recorded_trades_survive_a_merge_with_every_digit(client: Any) -> None:
    """The largest decimals that fit, a time to the microsecond, and trades of years ago."""
    line = (
        '{"type":"match","trade_id":1,"side":"sell","size":"9999999999.99999999","price":"9999999999.99999999",'
        '"product_id":"SKL-BTC","time":"2015-04-17T16:43:37.089723Z"}'
    )
    (trade,) = parse("coinbase", [line])
    assert isinstance(trade, DemoTrade)
    hot.insert(client, "bronze_trades_coinbase", [trade])
    client.command("OPTIMIZE TABLE bronze_trades_coinbase FINAL")

    columns = "price, quantity, quote_volume, toUnixTimestamp64Micro(exchange_timestamp), metadata"
    ((price, quantity, volume, time, metadata),) = client.query(
        f"SELECT {columns} FROM bronze_trades_coinbase"
    ).result_rows
    assert (price, quantity, volume) == (trade.price, trade.quantity, trade.quote_volume)
    assert (time, metadata) == (1429289017089723, {"exchange_time": "2015-04-17T16:43:37.089723Z"})


def test_generated_trades_tie_like_real_ones_and_say_what_their_metadata_says(client: Any) -> None:
    """77-82 % share their millisecond, some bursts of hundreds; nothing repeats; the printed time is the column's."""
    generate(client, 100_000, START, START + timedelta(hours=60))

    assert sum(hot.count(client).values()) == 100_000
    ties = (
        "SELECT sumIf(n, n > 1) / sum(n), max(n) FROM (SELECT count() AS n FROM bronze_trades_binance"
        " GROUP BY symbol, toStartOfMillisecond(exchange_timestamp))"
    )
    ((shared, burst),) = client.query(ties).result_rows
    assert 0.77 <= shared <= 0.82
    assert burst >= 100
    wrong = (
        "SELECT count() FROM bronze_trades_binance WHERE quote_volume != toDecimal256(price, 8) * quantity"
        " OR toInt64(metadata['exchange_time']) * 1000 != toUnixTimestamp64Micro(exchange_timestamp)"
    )
    assert int(client.command(wrong)) == 0


def test_added_trades_are_newer_and_continue_the_ids(client: Any) -> None:
    """The second lot neither repeats an id nor leaves one out, and lies after all of the first."""
    generate(client, 10_000, START, START + timedelta(hours=1))
    newest = hot.newest(client)
    generate(client, 1_000, newest, START + timedelta(hours=2))

    assert sum(hot.count(client).values()) == 11_000
    query = (
        "SELECT max(sequence_number) - min(sequence_number) + 1 - count(),"
        f" countIf(exchange_timestamp > fromUnixTimestamp64Micro({int(newest.timestamp() * 1e6)}))"
        " FROM bronze_trades_kraken WHERE symbol = 'BTC/USD'"
    )
    assert client.query(query).result_rows == [(0, 100)]


def test_the_same_call_makes_the_same_trades(client: Any) -> None:
    """Seeded by position, whatever ran before; a redelivery changes how a trade came, never the trade."""
    digest = (
        "SELECT sum(cityHash64(* EXCEPT (metadata, arrived_at, kafka_offset), toString(metadata)))"
        " FROM bronze_trades_binance FINAL"
    )
    generate(client, 5_000, START, START + timedelta(hours=1))
    first = client.command(digest)
    client.command("TRUNCATE TABLE bronze_trades_binance")
    generate(client, 5_000, START, START + timedelta(hours=1))

    assert hot.redeliver(client, "bronze_trades_binance", 100) == 100
    assert client.command(digest) == first


def test_a_recording_that_breaks_off_is_named(client: Any, tmp_path: Path) -> None:
    """Half a file is never taken for a whole one."""
    whole = gzip.compress(b'{"type":"match"}\n' * 1000)
    (tmp_path / "coinbase-matches.jsonl.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match=r"coinbase-matches\.jsonl\.gz"):
        RecordedTrades(tmp_path).first(client)


def test_recorded_messages_that_do_not_fit_are_counted_and_the_last_tenth_is_held_back(
    client: Any, tmp_path: Path
) -> None:
    """Twenty messages, one of them poison; the held-back trades are the newest."""
    match = '{{"type":"match","trade_id":{0},"side":"sell","size":"1","price":"{1}","product_id":"A-B","time":"{2}"}}\n'
    lines = [match.format(n, "1e-9" if n == 7 else n, f"2021-04-17T16:43:{n:02d}Z") for n in range(20)]
    with gzip.open(tmp_path / "coinbase-matches.jsonl.gz", "wt") as out:
        out.writelines(lines)
    trades = RecordedTrades(tmp_path)

    assert (trades.first(client), len(trades.rejects)) == (18, 1)
    cut = hot.newest(client)
    assert trades.later(client) == 1
    assert hot.newest(client) > cut
    assert "more than eight decimals" in trades.remark()
