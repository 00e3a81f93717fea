"""Waits until the hot tier has all that the broker has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, TopicPartition

from harness.feed.topics import ASK, PARTITION, ends, reader
from harness.readers.clickhouse import opened
from harness.waiting import wait_until

if TYPE_CHECKING:
    from confluent_kafka import Consumer

    from harness.feed.ingestion import Ingestion


def lag(consumer: Consumer, topic: str) -> int:
    """
    Messages of a topic that the consumer's group has not committed yet.

    ClickHouse commits what it has inserted, so that nothing below is missing from the hot tier.

    Raises:
        KafkaException: The broker is away.
    """
    low, high = ends(consumer, topic)
    (committed,) = consumer.committed([TopicPartition(topic, PARTITION)], timeout=ASK)
    return high - max(low, committed.offset)


def wait_consumed(ingestion: Ingestion, timeout: float = 120.0) -> None:
    """
    Wait until every message in the topic is in the hot tier, as a trade or as a dead letter.

    A broker that is not there yet is waited for too.

    Raises:
        TimeoutError: Some are not, after so many seconds; with what the Kafka engine complained of.
    """
    found = ["nothing yet"]

    def consumed() -> bool:
        try:
            left = lag(consumer, ingestion.topic)
        except KafkaException as error:
            found[0] = f"a broker that does not answer: {error}"
            return False
        found[0] = f"{left} that ClickHouse has not committed as {ingestion.group}"
        return left == 0

    with reader(ingestion.bootstrap, ingestion.group) as consumer:
        wait_until(consumed, lambda: _message(ingestion, found[0]), timeout)


def _message(ingestion: Ingestion, found: str) -> str:
    return (
        f"expected no message of {ingestion.topic} to be left; found {found}; "
        f"the Kafka engine complained of: {complaints(ingestion) or 'nothing'}; "
        f"next: SELECT * FROM system.kafka_consumers WHERE database = '{ingestion.environment.database}'"
    )


def complaints(ingestion: Ingestion) -> str:
    """What the Kafka engine complained of last, if anything."""
    query = (
        "SELECT arrayStringConcat(groupUniqArrayArray(exceptions.text), '; ') FROM system.kafka_consumers"
        f" WHERE database = '{ingestion.environment.database}' AND table = 'queue_{ingestion.exchange}'"
    )
    with opened(ingestion.environment.dsn) as client:
        return str(client.command(query))
