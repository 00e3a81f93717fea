"""
Kraken's `trade` channel, version 2: several trades per message, and prices that are JSON numbers.

https://docs.kraken.com/api/docs/websocket-v2/trade. The recordings are REST records, which have other field
names: `recorded` converts them to version 2, with every digit of price, quantity and time.
"""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from harness.trades.exchanges.trade import Trade, iso, iso_microseconds, lines, loaded, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST = 50
SIDES = {"b": "buy", "s": "sell"}
SYMBOLS = {"XBTUSDT": "BTC/USDT", "XBTUSD": "BTC/USD", "ETHUSD": "ETH/USD", "ETHUSDT": "ETH/USDT"}


def message(trades: Sequence[Trade]) -> str:
    """Write trades; as text, because a JSON writer does not keep the digits of a number."""
    data = ",".join(
        f'{{"symbol":{json.dumps(trade.symbol)},"side":"{trade.side}","price":{plain(trade.price)},'
        f'"qty":{plain(trade.quantity)},"ord_type":"limit","trade_id":{int(trade.id)},"timestamp":"{trade.printed}"}}'
        for trade in trades
    )
    return f'{{"channel":"trade","type":"update","data":[{data}]}}'


def trades(message: str) -> list[Trade]:
    """Read the trades of a message."""
    return [_trade(raw) for raw in loaded(message)["data"]]


def _trade(raw: dict[str, Any]) -> Trade:
    numbers = Decimal(raw["price"]), Decimal(raw["qty"])
    time = raw["timestamp"]
    return Trade(raw["symbol"], str(raw["trade_id"]), *numbers, raw["side"], iso_microseconds(time), time)


def recorded(folder: Path) -> Iterator[str]:
    """Read the recorded trades, with the trades of one second in one message, like those of the exchange."""
    found = (_recorded_trade(loaded(line)) for line in lines(folder, "kraken-rest-trades*.jsonl.gz"))
    for _, of_one_second in groupby(found, key=lambda trade: trade.time // 1_000_000):
        while some := list(islice(of_one_second, MOST)):
            yield message(some)


def _recorded_trade(raw: dict[str, Any]) -> Trade:
    """Convert a REST record; its `time` is in seconds since 1970 UTC, with more than six decimals."""
    whole, _, fraction = plain(Decimal(raw["time"])).partition(".")
    printed = f"{iso(int(whole) * 1_000_000)[:19]}.{fraction or '0'}Z"
    numbers = Decimal(raw["price"]), Decimal(raw["volume"])
    symbol, side = SYMBOLS[raw["pair"]], SIDES[raw["side"]]
    return Trade(symbol, str(raw["trade_id"]), *numbers, side, iso_microseconds(printed), printed)
