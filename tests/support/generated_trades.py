"""Trades for the tests of the feed, with all kinds of values that an exchange may send."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from harness.trades.exchanges.trade import Trade, iso

EXCHANGES = ("binance", "kraken", "coinbase")
_IDS = st.integers(0, 2**63 - 1)
_NUMBERS = st.integers(0, 10**18 - 1).map(lambda digits: Decimal(digits).scaleb(-8))
_TIMES = st.integers(0, 1_790_000_000_000_000)  # microseconds, 1970 to 2026


def trades(exchange: str) -> st.SearchStrategy[Trade]:
    """Any trade, to the last digit that bronze can hold."""
    return st.builds(_trade, st.just(exchange), _IDS, _NUMBERS, _NUMBERS, st.booleans(), _TIMES)


def _trade(exchange: str, number: int, price: Decimal, quantity: Decimal, buys: bool, time: int) -> Trade:  # noqa: FBT001
    symbol = {"binance": "BTCUSDT", "kraken": "BTC/USDT", "coinbase": "BTC-USDT"}[exchange]
    if exchange == "binance":
        time -= time % 1000
    printed = str(time // 1000) if exchange == "binance" else iso(time)
    return Trade(symbol, str(number), price, quantity, "buy" if buys else "sell", time, printed)
