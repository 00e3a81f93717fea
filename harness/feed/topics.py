"""Topics of one partition: made and removed, read and written as bytes."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTITION = 0
ASK = 2.0  # seconds until a broker counts as away
PATIENCE = 60.0  # with one that is there
SILENT = {"log_level": 0, "log.connection.close": False}  # brokers are broken on purpose; errors come as exceptions


@contextmanager
def topic(bootstrap: str, name: str, **config: str) -> Iterator[str]:
    """
    Make a topic whose messages bear the broker's time, and remove it afterwards.

    Args:
        bootstrap: The broker; it must be there again at the end.
        name: Of the topic.
        config: Further settings, with underscores for dots.
    """
    settings = {name.replace("_", "."): value for name, value in config.items()}
    # A producer's own times would say nothing of when a trade came.
    new = NewTopic(name, 1, 1, config={"message.timestamp.type": "LogAppendTime", **settings})
    admin = AdminClient({"bootstrap.servers": bootstrap, **SILENT})  # kept: what it was asked for ends with it
    admin.create_topics([new])[name].result(PATIENCE)
    try:
        yield name
    finally:
        admin.delete_topics([name])[name].result(PATIENCE)


@contextmanager
def reader(bootstrap: str, group: str = "reader") -> Iterator[Consumer]:
    """Lend a consumer that commits nothing."""
    with closing(
        Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    ) as consumer:
        yield consumer


def ends(consumer: Consumer, name: str, timeout: float = ASK) -> tuple[int, int]:
    """
    Give the first offset that is kept, and the one that the next message will have.

    Raises:
        KafkaException: The broker is away, or has no such topic.
    """
    return consumer.get_watermark_offsets(TopicPartition(name, PARTITION), timeout=timeout)


def messages(consumer: Consumer, name: str, first: int, end: int) -> list[bytes]:
    """
    Read the messages from offset `first` until `end`, which is not among them.

    Raises:
        KafkaException: The broker is away, or sent nothing for a while.
    """
    consumer.assign([TopicPartition(name, PARTITION, first)])
    found: list[bytes] = []
    offset = first
    while offset < end:
        message = consumer.poll(PATIENCE)
        if message is None:
            raise KafkaException(f"expected offset {end - 1} of {name}; found none from {offset} on in {PATIENCE:g} s")
        if error := message.error():
            raise KafkaException(error)
        offset = (message.offset() or 0) + 1
        found.append(message.value() or b"")
    return found


def log(bootstrap: str, name: str) -> list[bytes]:
    """
    Read a whole topic.

    Raises:
        KafkaException: The broker is away.
    """
    with reader(bootstrap) as consumer:
        return messages(consumer, name, *ends(consumer, name, PATIENCE))


def publish(bootstrap: str, name: str, payloads: Iterable[bytes]) -> None:
    """
    Send bytes as they are, in this order, and wait until the broker has them.

    Raises:
        KafkaException: It does not take one.
    """
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, **SILENT})
    refused: list[object] = []
    for payload in payloads:
        producer.produce(name, payload, partition=PARTITION, on_delivery=lambda error, _: refused.append(error))
    left = producer.flush(PATIENCE)
    if left or any(refused):
        raise KafkaException(f"expected every message to be taken; found {left} without an answer, {refused[:3]}")
