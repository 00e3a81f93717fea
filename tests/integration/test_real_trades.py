"""
Recorded trades of three exchanges reach Iceberg, each one, across a kill -9.

The recordings are read from the folder in TIDEMARK_TRADES, else from ../shared/data/trades beside the checkout; where
neither is, messages of the same form are made up. What is compared is read here, by code that shares nothing with
`offload`: JSON with decimals on one side, PyIceberg on the other.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from offload.demo import hot
from offload.demo.stage import Stage
from offload.demo.trades import Recorded

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RUN = ("run", "bronze_trades_binance", "bronze_trades_kraken", "bronze_trades_coinbase")
EXCHANGES = ("binance", "kraken", "coinbase")


class Trade(NamedTuple):
    """What must not change on the way; `time` is microseconds since 1970 UTC, `printed` the exchange's own text."""

    symbol: str
    id: str
    price: Decimal
    quantity: Decimal
    side: str
    time: int
    printed: str


class Offloaded(NamedTuple):
    """The folder of recordings, and the place where the offload has put them."""

    recordings: Path
    stage: Stage
    loaded: int
    rejected: int


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real recordings where there are any, else (or where TIDEMARK_TRADES is empty) a stand-in."""
    named = os.environ.get("TIDEMARK_TRADES")
    beside = Path(__file__).parents[3] / "shared" / "data" / "trades"
    if named:
        assert Path(named).is_dir(), f"expected a folder in TIDEMARK_TRADES; found none at {named}"
        return Path(named)
    if named is None and beside.is_dir():
        return beside
    return made_up(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def offloaded(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Offloaded:
    """Nine tenths offloaded, the rest begun and killed with -9 in mid write, then offloaded."""
    stage, trades = Stage(tmp_path_factory.mktemp("demo") / "stage"), Recorded(recordings)
    stage.prepare()
    with hot.opened(stage.clickhouse_dsn) as client:
        hot.create_tables(client, trades.ttl_days)
        loaded = trades.first(client)
    stage.offload(*RUN)
    with hot.opened(stage.clickhouse_dsn) as client:
        loaded += trades.later(client)
    stage.kill_in_mid_write(*RUN)
    stage.offload(*RUN)
    return Offloaded(recordings, stage, loaded, len(trades.rejects))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_iceberg_holds_every_recorded_trade_exactly_once(offloaded: Offloaded, exchange: str) -> None:
    """Trade by trade: id, exact price and quantity, the taker's side, the exchange's time to the microsecond."""
    sent = sorted(messages(offloaded.recordings, exchange))
    held = sorted(cold_rows(offloaded.stage, exchange))

    assert len(sent) > 0
    assert len(held) == len(sent)
    assert [pair for pair in zip(sent, held, strict=True) if pair[0] != pair[1]][:3] == []


def test_no_recorded_trade_is_rejected_or_left_in_clickhouse(offloaded: Offloaded) -> None:
    """What was loaded is what was recorded, over all exchanges."""
    sent = sum(1 for exchange in EXCHANGES for _ in messages(offloaded.recordings, exchange))

    assert (offloaded.loaded, offloaded.rejected) == (sent, 0)


def test_the_audit_of_recorded_trades_finds_hot_and_cold_equal(offloaded: Offloaded) -> None:
    """The offload's own comparison comes to the same result."""
    tables = offloaded.stage.offload("audit", *RUN[1:]).document["tables"]

    assert {(table["missing"], table["extra"], table["different"]) for table in tables} == {(0, 0, 0)}
    assert all(table["equal"] for table in tables)


def messages(folder: Path, exchange: str) -> Iterator[Trade]:
    """The recorded trades of an exchange, read anew."""
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


def cold_rows(stage: Stage, exchange: str) -> Iterator[Trade]:
    """The rows of an exchange's Iceberg table, as any reader sees them."""
    catalog = SqlCatalog("tidemark", uri=stage.catalog_uri, warehouse=str(stage.warehouse))
    rows = catalog.load_table(f"cold.bronze_trades_{exchange}").scan().to_arrow().to_pylist()
    catalog.close()
    for row in rows:
        time = (row["exchange_timestamp"] - EPOCH) // timedelta(microseconds=1)
        numbers, printed = (row["price"], row["quantity"]), dict(row["metadata"])["exchange_time"]
        assert row["exchange"] == exchange
        assert row["quote_volume"] == row["price"] * row["quantity"]
        assert row["is_buyer_maker"] == (row["side"] == "sell")
        assert str(row["sequence_number"]) == row["trade_id"]
        yield Trade(row["symbol"], row["trade_id"], *numbers, row["side"], time, printed)


def made_up(folder: Path) -> Path:
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
    names = ("binance-spot-made-up", "kraken-rest-trades-made-up", "coinbase-matches-made-up")
    for name, lines in zip(names, (binance, kraken, coinbase), strict=True):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as out:
            out.write("\n".join(lines) + "\n")
    return folder
