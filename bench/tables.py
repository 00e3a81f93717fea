"""
The hot tables that the benchmark moves, and how they are filled.

`bench` is a plain MergeTree without a key, named by flags; the bronze table is the declared one: ReplacingMergeTree,
one row per key, and no copies in it: none of its pieces needs FINAL to be read. Both are filled in time order by
inserts of a million rows and merged as ClickHouse pleases, so that reads meet several parts. Four symbols, 100 trades a
second, ties of four.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

START = "toDateTime64('2026-06-01 00:00:00', 6, 'UTC')"
INSERT_ROWS = 1_000_000
FIXTURES = Path(__file__).parents[1] / "fixtures" / "clickhouse"
BRONZE_DDL = FIXTURES / "bronze_trades_binance.sql"


@dataclass(frozen=True)
class BenchTable:
    """A hot table: `ddl` creates it, `select` gives its rows from a column `n` of row numbers, `words` offload it."""

    name: str
    ddl: str
    select: str
    words: tuple[str, ...]


_COMMON = f"""
    {START} + toIntervalMicrosecond(intDiv(n, 4) * 40000) AS at,
    ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'][1 + cityHash64(n, 2) % 4] AS sym,
    60000 + (cityHash64(intDiv(n, 50)) % 1000) / 100 + (cityHash64(n) % 100) / 100 AS walk,
    CAST(walk AS Decimal(18, 8)) AS p,
    CAST(toDecimal64(1 + cityHash64(n, 1) % 200000, 5) / 100000 AS Decimal(18, 8)) AS q,
    CAST(p AS Decimal(38, 8)) * CAST(q AS Decimal(38, 8)) AS pq
"""

BENCH = BenchTable(
    "bench",
    """CREATE TABLE bench (
        exchange_timestamp DateTime64(6, 'UTC'), sequence_number UInt64, symbol LowCardinality(String),
        price Decimal(18, 8), quantity Decimal(18, 8), quote_volume Decimal(38, 16), event_time DateTime64(6, 'UTC'),
        kafka_offset Int64, kafka_partition Int32, ingestion_timestamp DateTime64(3, 'UTC')
    ) ENGINE = MergeTree ORDER BY (symbol, exchange_timestamp, sequence_number)
    PARTITION BY toDate(exchange_timestamp)""",
    f"""WITH {_COMMON} SELECT at, n, sym, p, q, pq, at + toIntervalMicrosecond(3000), n, n % 3,
        at + toIntervalMicrosecond(5000 + cityHash64(n, 5) % 1000)""",
    (
        *("--source-table", "bench", "--target-table", "cold.bench", "--timestamp-col", "exchange_timestamp"),
        *("--sequence-col", "sequence_number", "--layer", "bronze"),
    ),
)

BRONZE = BenchTable(
    "bronze_trades_binance",
    BRONZE_DDL.read_text("utf-8").replace("{ttl_days}", "25000"),
    f"""WITH {_COMMON}, cityHash64(n, 3) % 2 AS sold SELECT
        'binance', sym, replaceOne(sym, 'USDT', '/USDT'), toString(n), n, if(sold = 1, 'sell', 'buy'), sold = 1,
        p, q, pq, at, map('exchange_time', toString(toUnixTimestamp64Milli(at))),
        n % 3, n, at + toIntervalMicrosecond(5000), at + toIntervalMicrosecond(50000)""",
    ("bronze_trades_binance",),
)
