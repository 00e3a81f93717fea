"""Live trades: a feed handler sends them in real time through the broker into a hot table."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition

from harness.feed.ingestion import open_ingestion
from harness.feed.lag import wait_consumed
from harness.feed.process import Feed, generated
from harness.feed.topics import ASK, PARTITION, reader
from harness.readers.clickhouse import count_hot, opened
from harness.readers.values import EPOCH
from harness.trades.bronze import TIME
from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environments.servers import ServerEnvironment
    from harness.feed.ingestion import Ingestion
    from harness.model import Key, Ledger

EXCHANGE = "binance"
PER_SECOND = 50
TIMEOUT = 120.0
MINE = "match(trade_id, '^[0-9]+$')"  # the id of a live trade is a number, the id of a tagged trade begins with its tag


@dataclass(frozen=True)
class LiveFeed:
    """
    A running feed handler and the ingestion of its trades.

    Attributes:
        environment: Owns the hot table that the trades arrive in.
        feed: The feed handler.
        ingestion: Its topic, Kafka engine and views.
    """

    environment: ServerEnvironment
    feed: Feed
    ingestion: Ingestion

    def wait_ingested_past(self, after: datetime) -> datetime:
        """
        Return a time later than `after`, in UTC, so that every live trade up to it is in the hot table.

        The topic has one partition and the handler sends in the order of time, so no earlier trade can still arrive.

        Raises:
            TimeoutError: No trade later than `after` arrived within 120 s.
        """
        latest = [EPOCH]
        query = f"SELECT toUnixTimestamp64Micro(max({TIME})) FROM {self.environment.table} WHERE {MINE}"

        def arrived() -> bool:
            latest[0] = EPOCH + timedelta(microseconds=int(client.query(query).result_rows[0][0]))
            return latest[0] > after + timedelta(milliseconds=1)

        def message() -> str:
            return (
                f"expected live trades later than {after} in {self.environment.table}; found none later than "
                f"{latest[0]}; next: read the handler's journal {self.feed.journal}"
            )

        with opened(self.environment.dsn) as client:
            wait_until(arrived, message, TIMEOUT)
        return latest[0] - timedelta(microseconds=1)

    def committed(self) -> int:
        """Return the offset that the consumer group has committed: all messages below it are in the hot table."""
        with reader(self.ingestion.bootstrap, self.ingestion.group) as consumer:
            return int(consumer.committed([TopicPartition(self.ingestion.topic, PARTITION)], timeout=ASK)[0].offset)

    def read_again(self, below: int, since: float) -> int:
        """Count the live rows with an offset below `below` inserted after `since`, in seconds since 1970 UTC."""
        again = f"{MINE} AND kafka_offset < {below} AND arrived_at > fromUnixTimestamp64Milli({int(since * 1000)})"
        return count_hot(self.environment.hot, where=again)

    def stop(self) -> Ledger:
        """
        Stop the handler, wait until all its messages are in the hot table, and return its ledger.

        Raises:
            TimeoutError: The broker or ClickHouse did not accept all messages in time.
        """
        self.feed.stop()
        wait_consumed(self.ingestion)
        return self.feed.ledger()

    def owns(self, key: Key) -> bool:
        """Return True if the trade id of `key` is one of the feed handler's."""
        return str(key[-1]).isdecimal()


@contextmanager
def live_feed(environment: ServerEnvironment, seed: int = 7) -> Iterator[LiveFeed]:
    """Send live trades into an environment during the block; the broker and ClickHouse must answer at its end."""
    with (
        TemporaryDirectory(prefix="live-") as folder,
        open_ingestion(environment, EXCHANGE) as ingestion,
        Feed(
            EXCHANGE,
            ingestion.bootstrap,
            ingestion.topic,
            Path(folder) / "journal",
            generated(seed, time.time(), PER_SECOND),
        ) as feed,
    ):
        yield LiveFeed(environment, feed, ingestion)
