"""Live trades: a feed handler sends them in real time, and they flow through the broker into a hot table."""

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
MINE = "match(trade_id, '^[0-9]+$')"  # the ids of tagged trades begin with a word


@dataclass(frozen=True)
class LiveFeed:
    """
    A feed handler at work.

    Attributes:
        environment: Where its trades arrive.
        feed: The handler.
        ingestion: Their way into the hot tier.
    """

    environment: ServerEnvironment
    feed: Feed
    ingestion: Ingestion

    def wait_ingested_past(self, after: datetime) -> datetime:
        """
        Give a time behind `after` up to which every live trade is in hot: later ones are there already.

        The topic has one partition and the handler sends in the order of time, so that nothing comes in before.

        Raises:
            TimeoutError: No trade behind `after` arrived.
        """
        latest = [EPOCH]
        query = f"SELECT toUnixTimestamp64Micro(max({TIME})) FROM {self.environment.table} WHERE {MINE}"

        def arrived() -> bool:
            latest[0] = EPOCH + timedelta(microseconds=int(client.query(query).result_rows[0][0]))
            return latest[0] > after + timedelta(milliseconds=1)

        with opened(self.environment.dsn) as client:
            wait_until(
                arrived, lambda: f"expected live trades behind {after}; the last in hot is of {latest[0]}", TIMEOUT
            )
        return latest[0] - timedelta(microseconds=1)

    def committed(self) -> int:
        """Give the offset at which the consumer group would resume now: everything below is in hot."""
        with reader(self.ingestion.bootstrap, self.ingestion.group) as consumer:
            return int(consumer.committed([TopicPartition(self.ingestion.topic, PARTITION)], timeout=ASK)[0].offset)

    def read_again(self, below: int, since: float) -> int:
        """Count the rows of messages below an offset that came since a time, in seconds since 1970 UTC."""
        again = f"{MINE} AND kafka_offset < {below} AND arrived_at > fromUnixTimestamp64Milli({int(since * 1000)})"
        return count_hot(self.environment.hot, where=again)

    def stop(self) -> Ledger:
        """
        End the handler and wait until everything that it sent is in hot; give what became of each trade.

        Raises:
            TimeoutError: The broker or ClickHouse did not take everything.
        """
        self.feed.stop()
        wait_consumed(self.ingestion)
        return self.feed.ledger()

    def owns(self, key: Key) -> bool:
        """Whether a trade is one of the handler's, by its id."""
        return str(key[-1]).isdecimal()


@contextmanager
def live_feed(environment: ServerEnvironment, seed: int = 7) -> Iterator[LiveFeed]:
    """Let trades flow into a place as long as the block lasts; broker and ClickHouse must be there again at its end."""
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
