"""What the views of fixtures/clickhouse/views make of bronze trades, on an embedded ClickHouse."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import md5
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import clickhouse_connect
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.trades.exchanges import EXCHANGES
from harness.trades.messages import GeneratedMessages
from tests.support.candles import INTERVALS, reference
from tests.support.layers import Layers, trades_in
from tests.support.poison_messages import GOOD, with_settings
from tests.support.recorded import folder_of_recordings

DELIVERY = {"ingestion_timestamp", "processed_at", "platform_sequence"}
DAY = 86_400_000_000  # microseconds
MIDNIGHT = 1_723_161_600_000_000  # 2024-08-09
BRONZE = (
    "INSERT INTO bronze_trades_binance (exchange, symbol, canonical_symbol, trade_id, sequence_number, side, "
    "is_buyer_maker, price, quantity, quote_volume, exchange_timestamp, kafka_partition, kafka_offset) "
)


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layers]:
    """The tables and the views."""
    dsn = f"chdb://{tmp_path_factory.mktemp('chdb')}?database=default"
    with closing(clickhouse_connect.get_client(dsn=dsn)) as client:
        layers = Layers(client, dsn)
        layers.create()
        yield layers


@pytest.fixture
def layers(created: Layers) -> Layers:
    """The same without trades."""
    created.empty()
    return created


@pytest.fixture
def short(created: Layers) -> Iterator[Layers]:
    """Another database, where silver keeps a trade for 30 days."""
    created.client.command("CREATE DATABASE short")
    dsn = created.dsn.replace("=default", "=short")
    with closing(clickhouse_connect.get_client(dsn=dsn)) as client:
        layers = Layers(client, dsn)
        layers.create(silver_ttl_days=30)
        yield layers
    created.client.command("DROP DATABASE short")


def test_candles_of_recorded_trades_are_right_however_they_arrive(layers: Layers, tmp_path: Path) -> None:
    """Shuffled, in five parts with a refresh after each, a third of them delivered twice: the reference every time."""
    folder, dice = folder_of_recordings(tmp_path), random.Random(7)  # noqa: S311 - not used for a secret
    log = {exchange: list(enumerate(form.recorded(folder))) for exchange, form in EXCHANGES.items()}
    for messages in log.values():
        dice.shuffle(messages)
    arrived: dict[str, list[tuple[int, str]]] = {exchange: [] for exchange in log}
    for part in range(5):
        for exchange, messages in log.items():
            new = messages[part::5]
            arrived[exchange] += new
            again = dice.sample(arrived[exchange], len(new) // 3)
            layers.send(exchange, new + again)
            layers.send(exchange, [(offset + 1_000_000, text) for offset, text in again])
        layers.refresh()
        trades = [one for name, found in arrived.items() for one in trades_in(name, (text for _, text in found))]

        for interval in INTERVALS:
            assert layers.candles(interval) == reference(trades, interval), (part, interval)
    assert sum(map(len, log.values())) > 1_000


@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_order_repetition_or_lateness_changes_a_candle(created: Layers, data: st.DataObject) -> None:
    """Any deliveries of trades around midnight, most of them with equal times, and any refreshes in between."""
    created.empty()
    exchange = data.draw(st.sampled_from(list(EXCHANGES)))
    per_second = data.draw(st.sampled_from((1, 20)))
    source = GeneratedMessages(exchange, data.draw(st.integers(0, 99)), MIDNIGHT - 20_000_000 // per_second, per_second)
    texts = [source.message(number).text for number in range(40)]
    numbers = st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=60)
    deliveries = data.draw(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=5))
    for delivered, refreshed in deliveries:
        created.send(exchange, [(number, texts[number]) for number in delivered])
        if refreshed:
            created.refresh()
    created.refresh()
    trades = trades_in(exchange, [texts[number] for delivered, _ in deliveries for number in delivered])

    for interval in INTERVALS:
        assert created.candles(interval) == reference(trades, interval), interval


@pytest.mark.parametrize("sequences", list(permutations((1, 2, 3))))
def test_of_trades_at_one_time_the_sequence_says_which_is_first_and_last(
    layers: Layers, sequences: tuple[int, int, int]
) -> None:
    """Three symbols of one pair, so that the order of rows in silver is another one."""
    at = "fromUnixTimestamp64Micro(1723161600000000, 'UTC')"
    for symbol, sequence in zip(("ABTC", "BBTC", "CBTC"), sequences, strict=True):
        layers.client.command(
            f"{BRONZE} SELECT 'binance', '{symbol}', 'BTC/USDT', '{sequence}', {sequence}, 'buy', 0, {sequence}, 1, "
            f"{sequence}, {at}, 0, 0"
        )
    layers.refresh()

    for interval in INTERVALS:
        (candle,) = layers.candles(interval)
        assert (candle.open, candle.close, candle.high, candle.low) == (1, 3, 3, 1)


def test_a_refresh_without_new_trades_adds_no_row(layers: Layers) -> None:
    """Unchanged candles are not written again, so that the offload has nothing to compare; a changed one is."""
    for interval in INTERVALS:
        layers.client.command(f"SYSTEM STOP MERGES ohlcv_{interval}")
    source = GeneratedMessages("coinbase", 7, MIDNIGHT)
    layers.send("coinbase", [(number, source.message(number).text) for number in range(50)])
    layers.refresh()
    once = counts(layers)
    layers.refresh()
    twice = counts(layers)
    layers.send("coinbase", [(50, source.message(50).text)])
    layers.refresh()

    assert (once == twice, once["1d"]) == (True, 2)
    assert counts(layers) == {interval: count + 1 for interval, count in once.items()}


def test_a_window_that_may_have_lost_trades_stays_as_it_is(short: Layers) -> None:
    """Windows that begin less than an hour after the TTL has passed keep their candle; all later ones are computed."""
    (now,) = short.client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows[0]
    complete = now - 30 * DAY + DAY // 24
    times = [complete - DAY // 48, complete + DAY // 48, complete + 2 * DAY]
    before = {interval: {time - time % (width * 1_000_000) for time in times} for interval, width in INTERVALS.items()}
    for interval, starts in before.items():
        for start in starts:
            short.client.command(
                f"INSERT INTO ohlcv_{interval} SELECT 'binance', 'BTC/USDT', toDateTime({start // 1_000_000}, 'UTC'), "
                f"toDateTime64(0, 6), toDateTime64(0, 6), 1, 1, 1, 1, 1, 1, 10, now64(6)"
            )
    for number, time in enumerate(times):
        at = f"fromUnixTimestamp64Micro({time}, 'UTC')"
        short.client.command(
            f"{BRONZE} SELECT 'binance', 'BTCUSDT', 'BTC/USDT', '{number}', {number}, 'buy', 0, 3, 1, 3, {at}, 0, 0"
        )
    short.refresh()

    for interval, starts in before.items():
        found = {candle.window_start // 1000: candle.trade_count for candle in short.candles(interval)}
        assert set(found) == starts
        assert {count for start, count in found.items() if start < complete} == {10}
        assert found[max(starts)] == 1
    assert sorted(candle.trade_count for candle in short.candles("1m")) == [1, 1, 10]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_trade_that_is_delivered_again_is_one_row_with_the_same_id(layers: Layers, exchange: str) -> None:
    """Also at another offset: all columns but those of the delivery are equal, and the id follows from the trade."""
    source = GeneratedMessages(exchange, 7, MIDNIGHT)
    texts = [source.message(number).text for number in range(60)]
    layers.send(exchange, enumerate(texts))
    once = layers.silver()
    layers.send(exchange, enumerate(reversed(texts), start=1_000))
    twice = layers.silver()
    trades = trades_in(exchange, texts)

    assert len(twice) == len(trades)
    assert contents(once) == contents(twice)
    assert {row["platform_sequence"] for row in once}.isdisjoint(row["platform_sequence"] for row in twice)
    assert {row["message_id"] for row in twice} == {
        str(UUID(bytes=md5(f"{exchange} {trade.symbol} {trade.id}".encode(), usedforsecurity=False).digest()))
        for _, trade in trades
    }


@pytest.mark.parametrize("offsets", [(2, 5), (5, 2)])
def test_of_two_deliveries_the_later_one_in_the_log_is_kept(layers: Layers, offsets: tuple[int, int]) -> None:
    """Whichever arrives first, and although the exchange corrected the price."""
    prices = {2: "100", 5: "200"}
    for offset in offsets:
        layers.send("kraken", [(offset, with_settings("kraken", GOOD["kraken"], price=prices[offset]))])
    layers.refresh()
    (row,) = layers.silver()
    (candle,) = layers.candles("1h")

    assert (row["price"], row["platform_sequence"]) == (200, 5)
    assert (candle.open, candle.close, candle.trade_count) == (200, 200, 1)


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (
            "binance",
            ("BINANCE-3735683259", "BTC/USDT", "USDT", ["buyer is maker"], {"exchange_time", "event_time"}),
        ),
        (
            "kraken",
            ("KRAKEN-4665906", "BTC/USD", "USD", ["buyer is maker", "market order"], {"exchange_time", "order_type"}),
        ),
        (
            "coinbase",
            (
                "COINBASE-280232", "SKL/BTC", "BTC", ["seller is maker"],
                {"exchange_time", "sequence", "maker_order_id", "taker_order_id"},
            ),
        ),
    ],
)  # fmt: skip
def test_the_columns_of_silver_say_what_the_exchange_says(layers: Layers, exchange: str, expected: Any) -> None:
    """Symbol, currency, conditions and the vendor's own fields."""
    layers.send(exchange, [(3, GOOD[exchange])])
    (row,) = layers.silver()
    vendor = dict(row["vendor_data"])

    assert (
        row["trade_id"], row["canonical_symbol"], row["currency"], row["trade_conditions"], set(vendor),
    ) == expected  # fmt: skip
    assert all(vendor.values())
    assert (row["asset_class"], row["exchange"], row["platform_sequence"]) == ("crypto", exchange, 3)
    assert (row["is_valid"], row["validation_errors"]) == (True, [])
    assert row["quote_volume"] == row["price"] * row["quantity"]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"price": "0"}, ["price is not positive"]),
        ({"price": "-1"}, ["price is not positive"]),
        ({"quantity": "0"}, ["quantity is not positive"]),
        ({"price": "0", "quantity": "-2"}, ["price is not positive", "quantity is not positive"]),
        ({"price": "9999999999", "quantity": "100000"}, []),
        ({"price": "9999999999", "quantity": "100001"}, ["quote volume is 10^15 or more"]),
        ({"symbol": '"BTCXYZ"'}, ["symbol is not a pair of currencies"]),
    ],
)
def test_a_trade_that_breaks_a_rule_is_kept_with_the_rule_and_in_no_candle(
    layers: Layers, changes: dict[str, str], errors: Sequence[str]
) -> None:
    """It does not change the candle of the trades beside it either."""
    good = [with_settings("binance", GOOD["binance"], trade_id=str(number)) for number in (1, 3)]
    bad = with_settings("binance", GOOD["binance"], trade_id="2", **changes)
    layers.send("binance", enumerate([good[0], bad, good[1]]))
    layers.refresh()
    found = {row["source_sequence"]: (row["is_valid"], row["validation_errors"]) for row in layers.silver()}

    assert found == {1: (True, []), 2: (not errors, errors), 3: (True, [])}
    assert [candle.trade_count for candle in layers.candles("1d")] == [2 if errors else 3]


def test_a_bronze_row_that_another_job_wrote_is_checked_as_well(layers: Layers) -> None:
    """Its product is wrong, its time is missing, and its delivery has no place in the log."""
    time = "toDateTime64(0, 6, 'UTC')"
    layers.client.command(
        f"{BRONZE} SELECT 'binance', 'BTCUSDT', 'BTC/USDT', '1', 1, 'buy', 0, 3, 2, 7, {time}, -1, -1"
    )
    (row,) = layers.silver()

    assert row["validation_errors"] == ["quote volume is not price times quantity", "time is missing"]
    assert (row["is_valid"], row["platform_sequence"]) == (False, 0)


def counts(layers: Layers) -> dict[str, int]:
    """The rows of the gold tables, replaced ones as well."""
    return {interval: int(layers.client.command(f"SELECT count() FROM ohlcv_{interval}")) for interval in INTERVALS}


def contents(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Silver rows without the columns of the delivery."""
    return [{name: value for name, value in row.items() if name not in DELIVERY} for row in rows]
