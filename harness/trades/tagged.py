"""Tagged trades: deterministic test data for a hot table, with ties, over symbols and days that the test chooses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2024, 3, 4, tzinfo=UTC)
TTL_DAYS = 25_000  # the trades are several years old and must not expire
TIE = 3  # consecutive trades with the same time: a window that ends inside a tie loses or repeats rows


@dataclass(frozen=True)
class TaggedTrades:
    """
    Trades with ids `<tag><sequence>`; the symbols take turns, and the times are spread evenly over whole days.

    The rows of two symbols are never equal. Texts contain a quote, a newline and a letter outside ASCII.

    Attributes:
        rows: Number of trades.
        symbols: The symbols, in Binance's spelling.
        days: The times cover this many days from `start`, unless `step` is set.
        start: Time of the first trade, in UTC.
        tag: First part of each trade id.
        first_sequence: Sequence number of the first trade.
        step: Microseconds between two trades; 0: the trades are spread over `days`.
    """

    rows: int
    symbols: tuple[str, ...] = ("BTCUSDT",)
    days: int = 1
    start: datetime = START
    tag: str = "trade-"
    first_sequence: int = 1
    step: int = 0

    def time_at(self, fraction: float) -> str:
        """Return the time at which this fraction of the days has passed, as ISO 8601."""
        return (self.start + timedelta(days=self.days) * fraction).isoformat()

    def select(self) -> str:
        """Return the SELECT that generates the trades, with the columns of `COLUMNS`."""
        symbols = ", ".join(f"'{symbol}'" for symbol in self.symbols)
        step = self.step or self.days * 86_400_000_000 // self.rows
        first = (self.start - EPOCH) // timedelta(microseconds=1)
        return f"""
            SELECT 'binance', [{symbols}][number % {len(self.symbols)} + 1] AS s, replaceOne(s, 'USDT', '/USDT'),
                concat('{self.tag}', toString({self.first_sequence} + number)), {self.first_sequence} + number,
                if(number % 3 = 0, 'sell', 'buy'), number % 3 = 0,
                toDecimal64(cityHash64(number) % 10000000000000, 0) / 100000000 AS p,
                CAST(number % 977 + 1 AS Decimal(18, 8)) / 1000 AS q,
                CAST(p AS Decimal(38, 8)) * CAST(q AS Decimal(38, 8)),
                fromUnixTimestamp64Micro(toInt64({first} + intDiv(number, {TIE}) * {TIE} * {step}), 'UTC'),
                map('exchange_time', toString(number), 'note', 'it''s\\nÆther'), 0, number, now64(3)
            FROM numbers({self.rows})"""


COLUMNS = (
    "exchange, symbol, canonical_symbol, trade_id, sequence_number, side, is_buyer_maker, price, quantity, "
    "quote_volume, exchange_timestamp, metadata, kafka_partition, kafka_offset, ingestion_timestamp"
)


def create(client: Any, ddl: str) -> None:
    """Create a bronze table from its DDL, with a TTL that keeps trades several years old."""
    client.command(ddl.replace("{ttl_days}", str(TTL_DAYS)))


def insert(client: Any, table: str, trades: TaggedTrades) -> None:
    """Insert the trades into a table."""
    client.command(f"INSERT INTO {table} ({COLUMNS}) {trades.select()}")
