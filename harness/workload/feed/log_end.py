"""Where a topic's log ends, told in messages of a source."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from harness.workload.feed.source import Source

TIMEOUT = 10.0
STRIDE = 100
PARTITION = 0


def next_number(bootstrap: str, topic: str, source: Source) -> int:
    """
    Give the number of the first message that is not in the log yet; 0 for a log without any of this source.

    Reads backwards: what stands at the end may be none of this source's.

    Raises:
        KafkaException: The broker is away, or has no such topic.
    """
    settings = {"bootstrap.servers": bootstrap, "group.id": "log-end", "enable.auto.commit": False}
    with closing(Consumer(settings)) as consumer:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, PARTITION), timeout=TIMEOUT)
        while low < high:
            first = max(low, high - STRIDE)
            numbers = [source.position(text) for text in _texts(consumer, topic, first, high)]
            if known := [number for number in numbers if number is not None]:
                return max(known) + 1
            high = first
    return 0


def _texts(consumer: Consumer, topic: str, first: int, end: int) -> list[str]:
    """Read the messages from offset `first` until `end`, which is not among them."""
    consumer.assign([TopicPartition(topic, PARTITION, first)])
    texts: list[str] = []
    offset = first
    while offset < end:
        message = consumer.poll(TIMEOUT)
        if message is None:
            raise KafkaException(f"expected offset {end - 1} of {topic}; found none after {offset} in {TIMEOUT:g} s")
        if error := message.error():
            raise KafkaException(error)
        offset = (message.offset() or 0) + 1
        if offset <= end:
            texts.append((message.value() or b"").decode(errors="replace"))
    return texts
