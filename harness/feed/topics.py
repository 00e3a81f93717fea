"""Topics with one partition: create and delete them, read and publish messages as bytes."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTITION = 0
ASK = 2.0  # seconds to wait for an answer of a broker that may be down
PATIENCE = 60.0  # seconds to wait for an answer of a broker that runs
SILENT = {
    "log_level": 0,
    "log.connection.close": False,
}  # tests stop brokers on purpose; errors are raised as exceptions


@contextmanager
def topic(bootstrap: str, name: str, **config: str) -> Iterator[str]:
    """
    Create a topic whose messages have the broker's timestamps, and delete it at the end of the block.

    Args:
        bootstrap: Address of the broker, host:port; the broker must answer at the end.
        name: Name of the topic.
        config: More topic settings, with underscores instead of dots.
    """
    settings = {name.replace("_", "."): value for name, value in config.items()}
    # The producer's own timestamps do not show when a trade reached the broker.
    new = NewTopic(name, 1, 1, config={"message.timestamp.type": "LogAppendTime", **settings})
    admin = AdminClient({"bootstrap.servers": bootstrap, **SILENT})  # a variable: the futures end with the client
    admin.create_topics([new])[name].result(PATIENCE)
    try:
        yield name
    finally:
        admin.delete_topics([name])[name].result(PATIENCE)


@contextmanager
def reader(bootstrap: str, group: str = "reader") -> Iterator[Consumer]:
    """Open a consumer that commits no offset."""
    with closing(
        Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    ) as consumer:
        yield consumer


def ends(consumer: Consumer, name: str, timeout: float = ASK) -> tuple[int, int]:
    """
    Return the first offset that the log still has, and the offset of the next message.

    Raises:
        KafkaException: The broker does not answer, or has no topic of this name.
    """
    return consumer.get_watermark_offsets(TopicPartition(name, PARTITION), timeout=timeout)


def messages(consumer: Consumer, name: str, first: int, end: int) -> list[bytes]:
    """
    Read the messages from offset `first` up to, but not including, `end`.

    Raises:
        KafkaException: The broker does not answer, or sent no message for 60 s.
    """
    consumer.assign([TopicPartition(name, PARTITION, first)])
    found: list[bytes] = []
    offset = first
    while offset < end:
        message = consumer.poll(PATIENCE)
        if message is None:
            raise KafkaException(
                f"expected messages of {name} up to offset {end - 1}; found none from offset {offset} on "
                f"in {PATIENCE:g} s; next: read the broker's log"
            )
        if error := message.error():
            raise KafkaException(error)
        offset = (message.offset() or 0) + 1
        found.append(message.value() or b"")
    return found


def log(bootstrap: str, name: str) -> list[bytes]:
    """
    Read a whole topic.

    Raises:
        KafkaException: The broker does not answer.
    """
    with reader(bootstrap) as consumer:
        return messages(consumer, name, *ends(consumer, name, PATIENCE))


def publish(bootstrap: str, name: str, payloads: Iterable[bytes]) -> None:
    """
    Publish payloads unchanged, in this order, and wait until the broker has them.

    Raises:
        KafkaException: The broker did not accept one of them.
    """
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, **SILENT})
    errors: list[object] = []
    for payload in payloads:
        producer.produce(name, payload, partition=PARTITION, on_delivery=lambda error, _: errors.append(error))
    unanswered = producer.flush(PATIENCE)
    refused = [error for error in errors if error]
    if unanswered or refused:
        raise KafkaException(
            f"expected the broker to accept every message for {name}; found {unanswered} without an answer and "
            f"{len(refused)} refused: {refused[:3]}; next: read the broker's log"
        )
