"""The ten shipped tables, filled by the shipped views, in one cycle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.trades.exchanges import EXCHANGES
from harness.trades.exchanges.trade import Trade
from harness.trades.messages import GeneratedMessages
from offload import api
from offload.tables import declarations
from tests.support.candles import COLUMNS, INTERVALS, reference
from tests.support.embedded import Embedded
from tests.support.layers import Layers, candles_of, trades_in

CANDLES = [f"ohlcv_{interval}" for interval in INTERVALS]
TABLES = sorted([*(f"bronze_trades_{exchange}" for exchange in EXCHANGES), "silver_trades", *CANDLES])
MESSAGES = 300
DAY = timedelta(days=1)


def fill(stage: Embedded, start: datetime) -> list[tuple[str, Trade]]:
    """Trades of all exchanges from a time on, one per second, as silver and candles too."""
    layers, trades = Layers(stage.client, stage.dsn), []
    layers.create()
    for exchange in EXCHANGES:
        source = GeneratedMessages(exchange, 7, int(start.timestamp()) * 1_000_000, per_second=1)
        texts = [source.message(number).text for number in range(MESSAGES)]
        layers.send(exchange, enumerate([*texts, *texts[:50]]))
        trades += trades_in(exchange, texts)
    layers.refresh()
    return trades


def test_one_cycle_moves_every_closed_row_of_the_ten_tables(stage: Embedded) -> None:
    """Rows in each, equal to hot for the audit; candles equal to the trades; a second cycle moves nothing."""
    trades = fill(stage, datetime.now(UTC) - 3 * DAY)
    result = api.run(settings=stage.settings())
    again = api.run(settings=stage.settings())
    specs = declarations.load(None)

    assert result.exit_code == 0, result
    assert sorted(specs) == sorted(table.table for table in result.tables) == TABLES
    for interval in INTERVALS:
        cold = candles_of(stage.cold(specs[f"ohlcv_{interval}"], COLUMNS))
        assert cold == reference(trades, interval)
    moved = {table.table: table.rows for table in result.tables}
    assert moved["silver_trades"] == sum(moved[f"bronze_trades_{exchange}"] for exchange in EXCHANGES) == len(trades)
    assert [table.rows for table in again.tables] == [0] * 10
    audits = api.audit(settings=stage.settings())
    assert [audit for audit in audits if not audit.equal or not audit.hot_rows] == []


def test_a_candle_that_is_open_is_moved_once_it_is_closed_and_complete(stage: Embedded) -> None:
    """While the hour lasts, silver is moved and its candle is not; a trade that comes later is in the candle."""
    hour = (datetime.now(UTC) - DAY).replace(minute=0, second=0, microsecond=0)
    trades = fill(stage, hour)
    layers, settings = Layers(stage.client, stage.dsn), stage.settings()
    names = ["silver_trades", "ohlcv_1h"]
    during = api.run(names, until=(hour + timedelta(minutes=59)).isoformat(), settings=settings)
    source = GeneratedMessages("binance", 7, int(hour.timestamp()) * 1_000_000, per_second=1)
    later = [source.message(number).text for number in range(MESSAGES, MESSAGES + 100)]
    layers.send("binance", enumerate(later, start=MESSAGES))
    layers.refresh()
    after = api.run(names, until=(hour + timedelta(hours=1)).isoformat(), settings=settings)
    trades += trades_in("binance", later)

    assert [table.rows for table in during.tables] == [len(trades) - 100, 0], during
    assert [(table.exit_code, table.changed_rows, table.late_rows) for table in after.tables][1] == (0, 0, 0), after
    cold = candles_of(stage.cold(declarations.load(None)["ohlcv_1h"], COLUMNS))
    assert cold == reference(trades, "1h")
    assert stage.rows("SELECT count() FROM ohlcv_1h FINAL") == [(len(cold),)]


def test_a_closed_candle_that_a_late_trade_changes_is_replaced_in_cold(stage: Embedded) -> None:
    """Of each interval that has it, with all its trades; and nothing else is touched."""
    start = (datetime.now(UTC) - 3 * DAY).replace(hour=3, minute=0, second=0, microsecond=0)
    trades = fill(stage, start)
    settings = stage.settings()
    assert api.run(settings=settings).exit_code == 0
    source = GeneratedMessages("binance", 7, int(start.timestamp()) * 1_000_000, per_second=1)
    late = [source.message(number).text for number in range(MESSAGES, MESSAGES + 40)]
    layers = Layers(stage.client, stage.dsn)
    layers.send("binance", enumerate(late, start=MESSAGES))
    layers.refresh()

    result = api.run(settings=settings)
    trades += trades_in("binance", late)

    tables = {table.table: table for table in result.tables}
    assert result.exit_code == 0, result
    assert tables["silver_trades"].swept_rows + tables["silver_trades"].rows >= 40
    assert tables["ohlcv_1d"].replaced_rows == tables["ohlcv_1d"].changed_rows > 0
    specs = declarations.load(None)
    for interval in INTERVALS:
        assert candles_of(stage.cold(specs[f"ohlcv_{interval}"], COLUMNS)) == reference(trades, interval)
    audits = api.audit(CANDLES, settings=settings)
    assert [audit for audit in audits if not audit.equal or not audit.hot_rows] == []
