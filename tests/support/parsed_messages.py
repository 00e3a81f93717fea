"""The views that parse trades, on an embedded ClickHouse: messages are inserted in place of the Kafka engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Context
from pathlib import Path
from typing import Any, NamedTuple

import clickhouse_connect

from harness.feed.ingestion import statements
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.trades.exchanges.trade import EPOCH, Trade

TTL_DAYS = 25_000
EXACT = Context(prec=60)
QUEUE = (
    "CREATE TABLE queue_{exchange} (raw String, _topic String, _partition UInt64, _offset UInt64,"
    " _timestamp_ms Nullable(DateTime64(3))) ENGINE = Null"
)


class Parsed(NamedTuple):
    """A database whose queue is filled by the test."""

    exchange: str
    dsn: str
    client: Any

    def feed(self, messages: Iterable[bytes | str]) -> None:
        """Hand messages over, in one block; what the block before left behind is forgotten."""
        self.client.command(f"TRUNCATE TABLE bronze_trades_{self.exchange}")
        self.client.command("TRUNCATE TABLE dead_letters")
        rows = [
            [message if isinstance(message, bytes) else message.encode(), "t", 0, offset, EPOCH]
            for offset, message in enumerate(messages)
        ]
        names = ["raw", "_topic", "_partition", "_offset", "_timestamp_ms"]
        self.client.insert(f"queue_{self.exchange}", rows, column_names=names)

    def trades(self) -> list[Trade]:
        """What came to the bronze table."""
        return trades_of(read_hot(HotTableAddress(f"bronze_trades_{self.exchange}", self.dsn)).to_pylist())

    def reasons(self) -> list[tuple[int, int, str]]:
        """Offset, position and reason of each dead letter."""
        query = "SELECT offset, position, reason FROM dead_letters FINAL ORDER BY offset, position"
        return [tuple(row) for row in self.client.query(query).result_rows]


@contextmanager
def parsing(folder: Path, exchange: str, ttl_days: int = TTL_DAYS) -> Iterator[Parsed]:
    """Apply the project's own DDL, but for the queue."""
    dsn = f"chdb://{folder}?database=default"
    with closing(clickhouse_connect.get_client(dsn=dsn)) as client:
        for statement in statements(exchange, ttl_days, broker="", topic="", group="", flush_ms="1"):
            client.command(QUEUE.format(exchange=exchange) if "ENGINE = Kafka" in statement else statement)
        yield Parsed(exchange, dsn, client)


def trades_of(bronze: list[dict[str, Any]]) -> list[Trade]:
    """Return the trades of bronze rows in the order of the log, and check what must be true of any row."""
    for row in bronze:
        assert row["quote_volume"] == EXACT.multiply(row["price"], row["quantity"])
        assert row["is_buyer_maker"] == (row["side"] == "sell")
        assert (row["symbol"].startswith(row["canonical_symbol"][:3]), "/" in row["canonical_symbol"]) == (True, True)
        assert str(row["sequence_number"]) == row["trade_id"]
    return [_trade(row) for row in sorted(bronze, key=lambda row: (row["kafka_offset"], row["sequence_number"]))]


def _trade(row: dict[str, Any]) -> Trade:
    time = (row["exchange_timestamp"] - EPOCH) // timedelta(microseconds=1)
    numbers = row["price"], row["quantity"]
    return Trade(row["symbol"], row["trade_id"], *numbers, row["side"], time, dict(row["metadata"])["exchange_time"])
