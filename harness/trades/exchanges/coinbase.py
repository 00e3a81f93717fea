"""
Coinbase's `match` messages: one trade per message, prices as text, and the side of the maker.

https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#matches-channel
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from harness.trades.exchanges.trade import Trade, iso_microseconds, lines, loaded, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST = 1
OTHER = {"buy": "sell", "sell": "buy"}


def message(trades: Sequence[Trade]) -> str:
    """Write one trade."""
    (trade,) = trades
    number = int(trade.id)
    fields = {
        "type": "match",
        "trade_id": number,
        "maker_order_id": str(UUID(int=2 * number)),
        "taker_order_id": str(UUID(int=2 * number + 1)),
        "side": OTHER[trade.side],
        "size": plain(trade.quantity),
        "price": plain(trade.price),
        "product_id": trade.symbol,
        "sequence": 3 * number,
        "time": trade.printed,
    }
    return json.dumps(fields, separators=(",", ":"))


def trades(message: str) -> list[Trade]:
    """Read the trade of a message."""
    raw = loaded(message)
    numbers = Decimal(raw["price"]), Decimal(raw["size"])
    time = raw["time"]
    return [Trade(raw["product_id"], str(raw["trade_id"]), *numbers, OTHER[raw["side"]], iso_microseconds(time), time)]


def recorded(folder: Path) -> Iterator[str]:
    """Read the recorded messages, unchanged."""
    yield from lines(folder, "coinbase-matches*.jsonl.gz")
