"""The hot tables of the demo: the bronze tables in a chDB folder, which one process at a time can open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice
from typing import Any

from offload.demo.messages import DemoTrade
from offload.errors import ConfigurationError

EXCHANGES = ("binance", "kraken", "coinbase")
TABLES = tuple(f"bronze_trades_{exchange}" for exchange in EXCHANGES)
# Recorded trades are years old; this is about the longest TTL that DateTime allows for trades of this decade.
KEEP_RECORDINGS_DAYS = 25_000

_BATCH_ROWS = 50_000
_LAST_DATETIME = datetime(2106, 2, 7, tzinfo=UTC)


@contextmanager
def opened(dsn: str) -> Iterator[Any]:
    """
    Open a clickhouse-connect client; after the block, another process can open the folder.

    Raises:
        ConfigurationError: chDB is not installed, or another process has the folder open.
    """
    import clickhouse_connect

    try:
        client = clickhouse_connect.get_client(dsn=dsn)
    except (ImportError, clickhouse_connect.driver.exceptions.Error) as error:
        raise ConfigurationError(
            f"chDB, and no other process that has {dsn} open",
            str(error),
            "pip install 'tidemark[demo]', or offload demo --folder ANOTHER_FOLDER",
        ) from error
    try:
        yield client
    finally:
        client.close()


def create_tables(client: Any, ttl_days: int) -> None:
    """
    Create the three bronze tables.

    Raises:
        ValueError: Today plus the TTL is later than DateTime can hold; the first merge would delete every row.
    """
    if datetime.now(UTC) + timedelta(days=ttl_days) >= _LAST_DATETIME:
        raise ValueError(f"a TTL of {ttl_days} days ends after {_LAST_DATETIME:%Y-%m-%d}, the last day of DateTime")
    ddl = resources.files("offload.demo") / "ddl"
    for table in TABLES:
        client.command((ddl / f"{table}.sql").read_text("utf-8").replace("{ttl_days}", str(ttl_days)))


def insert(client: Any, table: str, trades: Iterable[DemoTrade]) -> int:
    """Insert parsed trades in batches of bounded size, as delivered by a broker just now; return their number."""
    rows = iter(trades)
    inserted = 0
    while batch := list(islice(rows, _BATCH_ROWS)):
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        delivered = (
            trade.as_json() | {"kafka_partition": 0, "kafka_offset": offset, "ingestion_timestamp": now}
            for offset, trade in enumerate(batch, start=inserted)
        )
        block = "\n".join(json.dumps(row) for row in delivered)
        # JSONEachRow reads decimals exactly only from text.
        client.raw_insert(table, insert_block=block.encode(), fmt="JSONEachRow")
        inserted += len(batch)
    return inserted


def redeliver(client: Any, table: str, rows: int) -> int:
    """
    Insert the newest `rows` trades again with other offsets, like a broker that delivers at least once.

    Returns:
        The number of inserted rows; fewer than `rows` if the table has fewer.
    """
    count = min(rows, int(client.command(f"SELECT count() FROM {table}")))
    client.command(
        f"INSERT INTO {table} SELECT * EXCEPT arrived_at REPLACE (kafka_offset + 1000000000 AS kafka_offset),"
        f" now64(3) AS arrived_at FROM {table} ORDER BY exchange_timestamp DESC LIMIT {count}"
    )
    return count


def count(client: Any) -> dict[str, int]:
    """Trades per table; a trade that was delivered twice counts once."""
    return {table: int(client.command(f"SELECT count() FROM {table} FINAL")) for table in TABLES}


def newest(client: Any) -> datetime:
    """The latest exchange timestamp of all tables (UTC)."""
    latest = " UNION ALL ".join(f"SELECT max(exchange_timestamp) AS latest FROM {table}" for table in TABLES)
    rows = client.query(f"SELECT toUnixTimestamp64Micro(max(latest)) FROM ({latest})").result_rows
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=rows[0][0])
