"""Where a topic's log ends, told in messages of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.feed.topics import ends, messages, reader

if TYPE_CHECKING:
    from harness.trades.messages import MessageSource

STRIDE = 100


def next_number(bootstrap: str, topic: str, source: MessageSource) -> int:
    """
    Give the number of the first message that is not in the log yet; 0 for a log without any of this source.

    Reads backwards: what stands at the end may be none of this source's.

    Raises:
        KafkaException: The broker is away, or has no such topic.
    """
    with reader(bootstrap) as consumer:
        low, high = ends(consumer, topic)
        while low < high:
            first = max(low, high - STRIDE)
            found = messages(consumer, topic, first, high)
            numbers = [source.position(text.decode(errors="replace")) for text in found]
            if known := [number for number in numbers if number is not None]:
                return max(known) + 1
            high = first
    return 0
