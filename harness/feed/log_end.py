"""The end of a topic's log, as the number of a source's next message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.feed.topics import ends, messages, reader

if TYPE_CHECKING:
    from harness.trades.messages import MessageSource

STRIDE = 100  # messages per read


def next_number(bootstrap: str, topic: str, source: MessageSource) -> int:
    """
    Return the number of the first message that is not in the log yet; 0: no message of this source is in the log.

    Reads backwards from the end, because other producers may have written the last messages.

    Raises:
        KafkaException: The broker does not answer, or has no topic of this name.
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
