"""
Recorded trades, read by code that shares nothing with `offload` nor with the feed: JSON with decimals.

The recordings are read from the folder in TIDEMARK_TRADES, else from ../shared/data/trades beside the checkout; where
neither exists, messages of the same form are generated.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from harness.trades.exchanges.recordings import recordings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXCHANGES = ("binance", "kraken", "coinbase")


class Trade(NamedTuple):
    """The values that must not change; `time` is microseconds since 1970 UTC, `printed` the exchange's own text."""

    symbol: str
    id: str
    price: Decimal
    quantity: Decimal
    side: str
    time: int
    printed: str


def folder_of_recordings(stand_in: Path) -> Path:
    """Real recordings where there are any, else (or where TIDEMARK_TRADES is empty) a stand-in."""
    return recordings() or generated_recordings(stand_in)


def messages(folder: Path, exchange: str) -> Iterator[Trade]:
    """The recorded trades of an exchange."""
    read = {"binance": binance, "kraken": kraken, "coinbase": coinbase}[exchange]
    for path in folder.glob(f"{exchange}-*.jsonl.gz"):
        with gzip.open(path, "rt") as lines:
            yield from (read(json.loads(line, parse_float=Decimal)) for line in lines)


def binance(raw: dict[str, Any]) -> Trade:
    """`m`: the buyer made the market, so the taker sold; `T` in milliseconds."""
    side = "sell" if raw["m"] else "buy"
    numbers = Decimal(raw["p"]), Decimal(raw["q"])
    return Trade(raw["s"], str(raw["t"]), *numbers, side, raw["T"] * 1000, str(raw["T"]))


def kraken(raw: dict[str, Any]) -> Trade:
    """`time` in seconds with seven decimals or so."""
    numbers = Decimal(raw["price"]), Decimal(raw["volume"])
    time = int(raw["time"] * 1_000_000)
    return Trade(
        raw["pair"], str(raw["trade_id"]), *numbers, {"b": "buy", "s": "sell"}[raw["side"]], time, str(raw["time"])
    )


def coinbase(raw: dict[str, Any]) -> Trade:
    """`side` is the maker's."""
    side = {"buy": "sell", "sell": "buy"}[raw["side"]]
    numbers = Decimal(raw["price"]), Decimal(raw["size"])
    return Trade(raw["product_id"], str(raw["trade_id"]), *numbers, side, iso_microseconds(raw["time"]), raw["time"])


def iso_microseconds(text: str) -> int:
    """`2021-04-17T16:43:37.089723Z`, in whole numbers."""
    year, month, day, hour, minute, second, fraction = re.findall(r"\d+", text)
    days = (datetime(int(year), int(month), int(day), tzinfo=UTC) - EPOCH).days
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second)
    return seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6])


def generated_recordings(folder: Path) -> Path:
    """Messages of the recorded forms, with ties; some digits that a float would lose."""
    day = 1_723_161_255_342
    binance = (
        f'{{"e":"trade","E":{day + n // 5},"s":"BTCUSDT","t":{9_000_000 + n},"p":"61837.{n:08d}",'
        f'"q":"{n}.00000001","T":{day + n // 5},"m":{"true" if n % 3 else "false"},"M":true}}'
        for n in range(2_000)
    )
    kraken = (
        f'{{"pair":"XBTUSDT","price":"105433.{n:05d}","volume":"0.{n + 1:08d}","time":1762795433.{n // 2:03d}7445,'
        f'"side":"{"bs"[n % 2]}","type":"l","trade_id":{10_218_208 + n}}}'
        for n in range(300)
    )
    coinbase = (
        f'{{"type":"match","trade_id":{280_232 + n},"side":"{("buy", "sell")[n % 2]}","size":"{n + 1}",'
        f'"price":"0.0000{n + 1:04d}","product_id":"SKL-BTC","sequence":{n},"time":"2021-04-17T16:43:37.{n:06d}Z"}}'
        for n in range(100)
    )
    names = ("binance-spot-generated", "kraken-rest-trades-generated", "coinbase-matches-generated")
    for name, lines in zip(names, (binance, kraken, coinbase), strict=True):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as out:
            out.write("\n".join(lines) + "\n")
    return folder
