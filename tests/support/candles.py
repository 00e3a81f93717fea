"""Candles computed from trades one by one: the reference for those of ClickHouse, with which it shares no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import NamedTuple

from harness.trades.exchanges.trade import Trade

COLUMNS = (
    "exchange", "canonical_symbol", "window_start", "open_time", "close_time", "open", "high", "low", "close",
    "volume", "quote_volume", "trade_count",
)  # fmt: skip
INTERVALS = {"1m": 60, "5m": 5 * 60, "15m": 15 * 60, "30m": 30 * 60, "1h": 3_600, "1d": 24 * 3_600}
EXACT = Context(prec=80)
LARGEST = 10**15


class Candle(NamedTuple):
    """The columns of a candle; times in nanoseconds since 1970 UTC, as the harness reads them."""

    exchange: str
    canonical_symbol: str
    window_start: int
    open_time: int
    close_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trade_count: int


def reference(trades: Iterable[tuple[str, Trade]], interval: str) -> list[Candle]:
    """The candles of (exchange, trade), each trade counted once however often it is listed; sorted."""
    grouped: dict[tuple[str, str, int], dict[tuple[str, str], Trade]] = defaultdict(dict)
    width = INTERVALS[interval] * 1_000_000
    for exchange, trade in trades:
        if is_valid(trade):
            window = trade.time - trade.time % width
            grouped[exchange, pair(exchange, trade.symbol), window][trade.symbol, trade.id] = trade
    return sorted(_candle(*key, list(found.values())) for key, found in grouped.items())


def is_valid(trade: Trade) -> bool:
    """Whether a trade counts."""
    return trade.price > 0 and trade.quantity > 0 and EXACT.multiply(trade.price, trade.quantity) < LARGEST


def pair(exchange: str, symbol: str) -> str:
    """BASE/QUOTE; the tests trade no other quote currency than USDT on Binance."""
    return {"binance": f"{symbol[:-4]}/{symbol[-4:]}", "coinbase": symbol.replace("-", "/"), "kraken": symbol}[exchange]


def _candle(exchange: str, symbol: str, window: int, trades: list[Trade]) -> Candle:
    trades = sorted(trades, key=lambda trade: (trade.time, int(trade.id)))
    volume = quote_volume = Decimal(0)
    for trade in trades:
        volume = EXACT.add(volume, trade.quantity)
        quote_volume = EXACT.add(quote_volume, EXACT.multiply(trade.price, trade.quantity))
    prices = [trade.price for trade in trades]
    times = (microseconds * 1000 for microseconds in (window, trades[0].time, trades[-1].time))
    return Candle(
        exchange, symbol, *times, prices[0], max(prices), min(prices), prices[-1], volume, quote_volume, len(trades)
    )
