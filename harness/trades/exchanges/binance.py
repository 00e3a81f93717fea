"""
Binance's `trade` stream: one trade per message, prices as text, times in milliseconds.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#trade-streams
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.trades.exchanges.trade import Trade, lines, loaded, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST = 1


def message(trades: Sequence[Trade]) -> str:
    """Write one trade; `m` is true if the buyer is the maker, so the taker sold."""
    (trade,) = trades
    milliseconds = trade.time // 1000
    fields = {
        "e": "trade",
        "E": milliseconds + 1,
        "s": trade.symbol,
        "t": int(trade.id),
        "p": plain(trade.price),
        "q": plain(trade.quantity),
        "T": milliseconds,
        "m": trade.side == "sell",
        "M": True,
    }
    return json.dumps(fields, separators=(",", ":"))


def trades(message: str) -> list[Trade]:
    """Read the trade of a message."""
    raw = loaded(message)
    side = "sell" if raw["m"] else "buy"
    numbers = Decimal(raw["p"]), Decimal(raw["q"])
    return [Trade(raw["s"], str(raw["t"]), *numbers, side, raw["T"] * 1000, str(raw["T"]))]


def recorded(folder: Path) -> Iterator[str]:
    """Read the recorded messages of all symbols as one stream, in the order in which they were sent."""
    yield from sorted(lines(folder, "binance-spot-*.jsonl.gz"), key=lambda line: int(loaded(line)["E"]))
