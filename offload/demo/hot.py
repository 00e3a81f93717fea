"""The hot tier of the demo: the bronze tables in a chDB folder, open only while this process uses it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice
from typing import Any

from offload.demo.messages import Trade
from offload.errors import ConfigurationError

EXCHANGES = ("binance", "kraken", "coinbase")
TABLES = tuple(f"bronze_trades_{exchange}" for exchange in EXCHANGES)
# Trades of years ago stay: as long as DateTime allows for trades of this decade.
KEEP_RECORDINGS_DAYS = 25_000

_INSERTED_TOGETHER = 50_000
_LAST_DATETIME = datetime(2106, 2, 7, tzinfo=UTC)


@contextmanager
def opened(dsn: str) -> Iterator[Any]:
    """
    A clickhouse-connect client; once it is left, another process can open the folder.

    Raises:
        ConfigurationError: chDB is not installed, or another process has the folder open.
    """
    import clickhouse_connect

    try:
        client = clickhouse_connect.get_client(dsn=dsn)
    except (ImportError, clickhouse_connect.driver.exceptions.Error) as error:
        raise ConfigurationError(
            f"chDB, and nobody else at {dsn}", str(error), "pip install 'tidemark[demo]', or name another --folder"
        ) from error
    try:
        yield client
    finally:
        client.close()


def create_tables(client: Any, ttl_days: int) -> None:
    """
    Create the three bronze tables.

    Raises:
        ValueError: Today plus the TTL is past what DateTime can hold; every row would vanish at the first merge.
    """
    if datetime.now(UTC) + timedelta(days=ttl_days) >= _LAST_DATETIME:
        raise ValueError(f"a TTL of {ttl_days} days ends after {_LAST_DATETIME:%Y-%m-%d}, where DateTime wraps round")
    ddl = resources.files("offload.demo") / "ddl"
    for table in TABLES:
        client.command((ddl / f"{table}.sql").read_text("utf-8").replace("{ttl_days}", str(ttl_days)))


def insert(client: Any, table: str, trades: Iterable[Trade]) -> int:
    """Insert parsed trades in bounded batches, as if a broker had just delivered them; returns their number."""
    rows = iter(trades)
    done = 0
    while batch := list(islice(rows, _INSERTED_TOGETHER)):
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        delivered = (
            trade.as_json() | {"kafka_partition": 0, "kafka_offset": offset, "ingestion_timestamp": now}
            for offset, trade in enumerate(batch, start=done)
        )
        block = "\n".join(json.dumps(row) for row in delivered)
        # Text, because JSONEachRow reads decimals out of it exactly.
        client.raw_insert(table, insert_block=block.encode(), fmt="JSONEachRow")
        done += len(batch)
    return done


def redeliver(client: Any, table: str, rows: int) -> int:
    """
    Insert the newest `rows` trades once more, as a broker does that delivers at least once: with other offsets.

    Returns:
        The rows inserted; fewer where the table has fewer.
    """
    count = min(rows, int(client.command(f"SELECT count() FROM {table}")))
    client.command(
        f"INSERT INTO {table} SELECT * EXCEPT arrived_at REPLACE (kafka_offset + 1000000000 AS kafka_offset),"
        f" now64(3) AS arrived_at FROM {table} ORDER BY exchange_timestamp DESC LIMIT {count}"
    )
    return count


def count(client: Any) -> dict[str, int]:
    """Trades per table; one that was delivered twice counts once."""
    return {table: int(client.command(f"SELECT count() FROM {table} FINAL")) for table in TABLES}


def newest(client: Any) -> datetime:
    """The latest exchange time of all tables, UTC."""
    latest = " UNION ALL ".join(f"SELECT max(exchange_timestamp) AS latest FROM {table}" for table in TABLES)
    rows = client.query(f"SELECT toUnixTimestamp64Micro(max(latest)) FROM ({latest})").result_rows
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=rows[0][0])
