"""
The feed handler sends the messages of a source in order, from the end of the topic's log, until it is stopped.

The producer is idempotent, waits for all replicas and never drops a message: while the broker does not answer, the
queue fills, and then the handler waits. So the log has no gap after a crash of the handler or of the broker.
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

QUEUE = 5_000  # messages without an answer; a killed handler loses at most this many
PRODUCER: dict[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "message.timeout.ms": 0,
    "linger.ms": 5,
    "queue.buffering.max.messages": QUEUE,
    "reconnect.backoff.max.ms": 1_000,
}
# After these errors the broker certainly does not have the message; after any other error it may have it.
REFUSALS = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.INVALID_TIMESTAMP,
)
POLL = 0.2  # seconds; a stop signal is noticed within this time
FLUSH = 10.0  # seconds to wait for answers after a stop
PAUSE = 1.0  # seconds before the next attempt


@dataclass
class Handler:
    """
    One feed handler.

    Attributes:
        source: The messages to send.
        journal: Records each message and each answer.
        bootstrap: Address of the broker, host:port.
        topic: Name of the topic; it has one partition.
        rate: At most this many messages per second; 0: as fast as the broker accepts them.
        until: The handler ends before the message with this number; None: it ends with the source.
        stopping: True: send no more messages, wait for answers, end. The signal handler sets it.
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
        """Send until the source ends or the handler is stopped; a failed producer is replaced by a new one."""
        while self._active() and not self._session():
            pass

    def _active(self) -> bool:
        """Return False after a stop, or when the parent process is gone: then no process could stop the handler."""
        return not self.stopping and os.getppid() == self._parent

    def _session(self) -> bool:
        """Send with one producer; return False if it failed, or if the broker did not say where the log ends."""
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
        """Wait a second: a broker that refuses at once is not called in a tight loop."""
        end = time.monotonic() + PAUSE
        wait_until(lambda: time.monotonic() >= end or not self._active(), lambda: "the clock has stopped", 10 * PAUSE)

    def _wait_answers(self, producer: Producer) -> None:
        """Wait for the broker's answers without a limit; after a stop, for `FLUSH` seconds at most."""
        while self._active() and len(producer):
            producer.flush(POLL)
        producer.flush(FLUSH)

    def _send(self, producer: Producer, number: int) -> None:
        started, first = time.monotonic(), number
        while self._active() and number != self.until and (message := self.source.message(number)):
            while self._active() and (early := self._seconds_early(message, started, number - first)) > 0:
                producer.poll(min(early, POLL))
            while self._active() and len(producer) >= QUEUE:
                producer.poll(POLL)
            if self._active():
                self._produce(producer, number, message)
                number += 1

    def _seconds_early(self, message: Message, started: float, sent: int) -> float:
        """Return by how many seconds the message would be sent too early now; 0 or less: it is due."""
        paced = started + sent / self.rate - time.monotonic() if self.rate else 0.0
        return max(paced, message.due - time.time())

    def _produce(self, producer: Producer, number: int, message: Message) -> None:
        self.journal.sent(number, message.keys)
        on_delivery = partial(self._record_answer, number)
        producer.produce(self.topic, message.text.encode(), partition=PARTITION, on_delivery=on_delivery)
        producer.poll(0)

    def _record_answer(self, number: int, error: KafkaError | None, message: Any) -> None:
        if error is None:
            self.journal.acked(number, message.offset())
        elif error.code() in REFUSALS:
            self.journal.refused(number, str(error))
        else:
            self._broken = True
            self.journal.noted(unanswered=number, why=str(error))
