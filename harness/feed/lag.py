"""The consumer lag of the hot tier: how many messages ClickHouse has not ingested yet."""

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
    Return the number of messages of a topic that the consumer's group has not committed yet.

    ClickHouse commits an offset after it has inserted the rows, so every message below that offset is in the hot tier.

    Raises:
        KafkaException: The broker does not answer.
    """
    low, high = ends(consumer, topic)
    (committed,) = consumer.committed([TopicPartition(topic, PARTITION)], timeout=ASK)
    return high - max(low, committed.offset)


def wait_consumed(ingestion: Ingestion, timeout: float = 120.0) -> None:
    """
    Wait until every message in the topic is in the hot tier, as a trade or as a dead letter.

    A broker that does not answer yet is tried again until the timeout.

    Raises:
        TimeoutError: Some messages are not, after `timeout` seconds; the message quotes the Kafka engine's last errors.
    """
    found = ["no answer yet"]

    def consumed() -> bool:
        try:
            left = lag(consumer, ingestion.topic)
        except KafkaException as error:
            found[0] = f"that the broker does not answer: {error}"
            return False
        found[0] = f"{left} messages that ClickHouse has not committed in group {ingestion.group}"
        return left == 0

    with reader(ingestion.bootstrap, ingestion.group) as consumer:
        wait_until(consumed, lambda: _message(ingestion, found[0]), timeout)


def _message(ingestion: Ingestion, found: str) -> str:
    return (
        f"expected ClickHouse to ingest every message of {ingestion.topic}; found {found}; "
        f"last errors of the Kafka engine: {complaints(ingestion) or 'none'}; "
        f"next: run SELECT * FROM system.kafka_consumers WHERE database = '{ingestion.environment.database}'"
    )


def complaints(ingestion: Ingestion) -> str:
    """Read the last errors of the Kafka engine; an empty text: it has reported none."""
    query = (
        "SELECT arrayStringConcat(groupUniqArrayArray(exceptions.text), '; ') FROM system.kafka_consumers"
        f" WHERE database = '{ingestion.environment.database}' AND table = 'queue_{ingestion.exchange}'"
    )
    with opened(ingestion.environment.dsn) as client:
        return str(client.command(query))
