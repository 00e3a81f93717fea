"""Feed handlers on a real broker: killed, stopped or refused; the ledger is compared with the log."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.feed.process import Feed, generated
from harness.feed.topics import log, publish, topic
from harness.history import History
from harness.stack.service import Service
from harness.trades.exchanges import kraken
from harness.trades.messages import GeneratedMessages

if TYPE_CHECKING:
    from harness.model import Key
    from harness.stack.stack import Stack

START = int(time.time()) - 3600
SEED = 7
SOURCE = GeneratedMessages("kraken", SEED, START * 1_000_000)

MakeFeed = Callable[..., Feed]


@pytest.fixture
def name(stack: Stack) -> Iterator[str]:
    """A topic of its own."""
    with topic(stack.broker.outside, f"feed-{uuid.uuid4().hex}") as name:
        yield name


@pytest.fixture
def made(stack: Stack, name: str, tmp_path: Path) -> MakeFeed:
    """Makes a handler of Kraken's trades of the last hour."""

    def make(**given: Any) -> Feed:
        return Feed(
            **{"exchange": "kraken", "bootstrap": stack.broker.outside, "topic": name, **given},
            journal=tmp_path / "journal",
            source=generated(SEED, START),
        )

    return make


def test_a_handler_that_was_killed_continues_at_the_end_of_the_log(stack: Stack, name: str, made: MakeFeed) -> None:
    """
    Three times: no message is left out, every acked message is in the log, and the others are unknown.

    The broker may take what a killed handler had sent after the next one has asked where the log ends, and so have it
    twice; acked messages are in the log by then, and are never sent again.
    """
    with made(rate=300) as feed:
        for acked in (100, 400, 700):
            feed.wait_acked(acked)
            feed.kill()
            feed.start()
        feed.wait_acked(1000)
        feed.stop()
    texts = log(stack.broker.outside, name)
    ledger = feed.ledger()

    assert list(dict.fromkeys(texts)) == first_messages(len(set(texts)))
    assert set(ledger.acked) <= keys(texts) == {*ledger.acked, *ledger.unknown}
    assert len(ledger.acked) == len(set(ledger.acked))
    assert ledger.refused == ()


def test_foreign_messages_at_the_end_of_the_log_are_skipped(stack: Stack, name: str, made: MakeFeed) -> None:
    """The handler reads further back, over more messages than one read returns."""
    with made(until=10) as feed:
        feed.wait()
    publish(stack.broker.outside, name, [b"poison \xff"] * 250)
    with made(until=20) as feed:
        feed.wait()
    texts = log(stack.broker.outside, name)

    assert texts[:10] + texts[260:] == first_messages(20)


def test_a_handler_that_is_stopped_waits_for_the_brokers_answers(name: str, made: MakeFeed, stack: Stack) -> None:
    """No message is left unknown, and the journal has the offset of each message."""
    with made() as feed:
        feed.wait_acked(50)
        finished = feed.stop()
    ledger = feed.ledger()

    assert (finished.returncode, ledger.unknown, ledger.refused) == (0, (), ())
    assert feed.acked() == len(log(stack.broker.outside, name))


def test_a_handler_waits_while_the_broker_does_not_answer(stack: Stack, name: str, made: MakeFeed) -> None:
    """Nothing is lost, repeated or out of order; a message without an answer is unknown until it has one."""
    with made(rate=200) as feed:
        feed.wait_acked(200)
        with injected(Stop(Service.BROKER), stack, History()):
            away = feed.acked()
        feed.wait_acked(away + 200)
        feed.stop()
    texts = log(stack.broker.outside, name)

    assert texts == first_messages(len(texts))
    assert (feed.ledger().unknown, feed.ledger().refused) == ((), ())
    assert feed.acked() == len(texts)


def test_a_message_that_the_broker_refuses_is_refused_in_the_ledger(stack: Stack, made: MakeFeed) -> None:
    """It is not in the log; the handler goes on with the next message and exits with 0."""
    with topic(stack.broker.outside, f"feed-{uuid.uuid4().hex}", max_message_bytes="400") as small:
        with made(topic=small, until=40, rate=20) as feed:
            feed.wait()
        ledger, texts = feed.ledger(), log(stack.broker.outside, small)

    assert ledger.acked
    assert ledger.refused
    assert (set(ledger.acked), ledger.unknown) == (keys(texts), ())


def first_messages(count: int) -> list[bytes]:
    """The messages that the log must hold, in their order."""
    return [SOURCE.message(number).text.encode() for number in range(count)]


def keys(texts: list[bytes]) -> set[Key]:
    """The keys of the trades in a log."""
    return {("kraken", trade.symbol, trade.id) for text in texts for trade in kraken.trades(text.decode())}
