"""
The feed handler: sends a source's messages in order, from where the broker's log ends, until it is told to stop.

The producer is idempotent, waits for all replicas and gives up on no message: while the broker is away the queue fills,
and then the handler waits. So the log never has a gap, whatever happens to either.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Producer

from harness.feed.log_end import next_number
from harness.feed.topics import PARTITION
from harness.waiting import wait_until

if TYPE_CHECKING:
    from harness.feed.journal import Journal
    from harness.trades.messages import Message, MessageSource

QUEUE = 5_000  # messages without an answer; no more are lost with a killed handler
PRODUCER: dict[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "message.timeout.ms": 0,
    "linger.ms": 5,
    "queue.buffering.max.messages": QUEUE,
    "reconnect.backoff.max.ms": 1_000,
}
# Errors after which the broker surely does not have the message; after any other it may.
REFUSALS = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.INVALID_TIMESTAMP,
)
POLL = 0.2  # seconds until a signal is seen
FLUSH = 10.0
PAUSE = 1.0


@dataclass
class Handler:
    """
    One feed handler.

    Attributes:
        source: Its messages.
        journal: What it did.
        bootstrap: The broker.
        topic: One partition.
        rate: Messages a second at most; 0: as fast as the broker takes them.
        until: The number of the message to end before; None: without end.
        stopping: Set from outside: send nothing more, wait for answers, end.
    """

    source: MessageSource
    journal: Journal
    bootstrap: str
    topic: str
    rate: float = 0.0
    until: int | None = None
    stopping: bool = False
    _parent: int = field(default_factory=os.getppid)
    _broken: bool = False

    def run(self) -> None:
        """Send until the source has ended or the handler is stopped; a broken producer is replaced by a new one."""
        while self._going() and not self._session():
            pass

    def _going(self) -> bool:
        """An orphan ends: nobody is left who would stop it."""
        return not self.stopping and os.getppid() == self._parent

    def _session(self) -> bool:
        """Send with one producer; False: it broke, or the broker could not be asked where its log ends."""
        try:
            number = next_number(self.bootstrap, self.topic, self.source)
        except KafkaException as error:
            self.journal.noted(away=str(error))
            self._pause()
            return False
        self.journal.noted(started=number)
        producer = Producer({**PRODUCER, "bootstrap.servers": self.bootstrap})
        self._broken = False
        try:
            self._send(producer, number)
        except KafkaException as error:
            self._broken = True
            self.journal.noted(broken=str(error))
            producer.purge()
        self._wait_answers(producer)
        return not self._broken

    def _pause(self) -> None:
        """Leave a broker in peace that refuses at once."""
        again = time.monotonic() + PAUSE
        wait_until(lambda: time.monotonic() >= again or not self._going(), lambda: "a clock that goes on", 10 * PAUSE)

    def _wait_answers(self, producer: Producer) -> None:
        """Wait for the broker as long as it takes, but when stopped for `FLUSH` seconds only."""
        while self._going() and len(producer):
            producer.flush(POLL)
        producer.flush(FLUSH)

    def _send(self, producer: Producer, number: int) -> None:
        begun, first = time.monotonic(), number
        while self._going() and number != self.until and (message := self.source.message(number)):
            while self._going() and (early := self._early(message, begun, number - first)) > 0:
                producer.poll(min(early, POLL))
            while self._going() and len(producer) >= QUEUE:
                producer.poll(POLL)
            if self._going():
                self._produce(producer, number, message)
                number += 1

    def _early(self, message: Message, begun: float, sent: int) -> float:
        """So many seconds before its time a message would be sent now."""
        paced = begun + sent / self.rate - time.monotonic() if self.rate else 0.0
        return max(paced, message.due - time.time())

    def _produce(self, producer: Producer, number: int, message: Message) -> None:
        self.journal.sent(number, message.keys)
        answered = partial(self._answered, number)
        producer.produce(self.topic, message.text.encode(), partition=PARTITION, on_delivery=answered)
        producer.poll(0)

    def _answered(self, number: int, error: KafkaError | None, message: Any) -> None:
        if error is None:
            self.journal.acked(number, message.offset())
        elif error.code() in REFUSALS:
            self.journal.refused(number, str(error))
        else:
            self._broken = True
            self.journal.noted(unanswered=number, why=str(error))
