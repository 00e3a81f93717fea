"""Bronze, silver and gold on an embedded ClickHouse: messages are inserted in place of the Kafka engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.feed import ingestion, layers
from harness.readers.arrow import Table
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.readers.values import rows
from harness.trades.exchanges import EXCHANGES
from harness.trades.exchanges.trade import EPOCH, Trade
from tests.support.candles import COLUMNS, Candle
from tests.support.parsed_messages import QUEUE, TTL_DAYS


@dataclass(frozen=True)
class Layers:
    """The ten tables of a database, and the views that fill them."""

    client: Any
    dsn: str

    def create(self, silver_ttl_days: int = TTL_DAYS) -> None:
        """Apply the project's own DDL, but for the queues."""
        for exchange in EXCHANGES:
            for statement in ingestion.statements(exchange, TTL_DAYS, broker="", topic="", group="", flush_ms="1"):
                self.client.command(QUEUE.format(exchange=exchange) if "ENGINE = Kafka" in statement else statement)
        for statement in layers.statements(ttl_days=silver_ttl_days):
            self.client.command(statement)

    def empty(self) -> None:
        """Forget all trades and candles."""
        names = [f"bronze_trades_{exchange}" for exchange in EXCHANGES]
        for name in (*names, "dead_letters", "silver_trades", *(f"ohlcv_{interval}" for interval in layers.INTERVALS)):
            self.client.command(f"TRUNCATE TABLE {name}")

    def send(self, exchange: str, messages: Iterable[tuple[int, str]]) -> None:
        """Deliver messages, each with its offset in the log, in one block."""
        block = [[text.encode(), "t", 0, offset, EPOCH] for offset, text in messages]
        names = ["raw", "_topic", "_partition", "_offset", "_timestamp_ms"]
        if block:
            self.client.insert(f"queue_{exchange}", block, column_names=names)

    def refresh(self) -> None:
        """Compute the candles again."""
        layers.refresh_candles(self.client)

    def candles(self, interval: str) -> list[Candle]:
        """The candles of one interval, sorted."""
        return candles_of(read_hot(HotTableAddress(f"ohlcv_{interval}", self.dsn), final=True))

    def silver(self) -> list[dict[str, Any]]:
        """The silver trades, by exchange, symbol and sequence."""
        found = read_hot(HotTableAddress("silver_trades", self.dsn), final=True).to_pylist()
        return sorted(found, key=lambda row: (row["exchange"], row["symbol"], row["source_sequence"]))


def candles_of(table: Table) -> list[Candle]:
    """The candles of a hot or a cold table, sorted."""
    return sorted(Candle(*row) for row in rows(table, COLUMNS))


def trades_in(exchange: str, texts: Iterable[str]) -> list[tuple[str, Trade]]:
    """The trades of messages, as the reference takes them."""
    return [(exchange, trade) for text in texts for trade in EXCHANGES[exchange].trades(text)]
