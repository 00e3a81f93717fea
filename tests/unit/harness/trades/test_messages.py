from __future__ import annotations

from collections import Counter

import pytest

from harness.trades.exchanges import EXCHANGES
from harness.trades.messages import GeneratedMessages
from tests.support import generated_trades

START = 1_723_161_255_342_123  # microseconds


@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
def test_a_number_is_always_the_same_message_and_is_told_by_its_text(exchange: str) -> None:
    """Whichever process makes it up, and whatever it made before: a restarted handler repeats nothing otherwise."""
    texts = [GeneratedMessages(exchange, 7, START).message(number).text for number in range(50)]

    assert [GeneratedMessages(exchange, 7, START).message(number).text for number in reversed(range(50))] == texts[::-1]
    assert [GeneratedMessages(exchange, 7, START).position(text) for text in texts] == list(range(50))


@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
def test_no_two_trades_share_their_key(exchange: str) -> None:
    """Each key is in the ledger once, and the sent message has the key's values."""
    messages = [GeneratedMessages(exchange, 7, START).message(number) for number in range(300)]
    keys = [key for message in messages for key in message.keys]
    sent = [(exchange, trade.symbol, trade.id) for one in messages for trade in EXCHANGES[exchange].trades(one.text)]

    assert len(set(keys)) == len(keys)
    assert sent == keys


@pytest.mark.parametrize("text", ["poison", "{}", "[]", '{"t":"x"}', '{"data":[]}', '{"data":7}'])
@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
def test_what_somebody_else_sent_has_no_number(exchange: str, text: str) -> None:
    """Nor has a message of another seed, though its ids are the same."""
    source = GeneratedMessages(exchange, 7, START)

    assert source.position(text) is None
    assert source.position(GeneratedMessages(exchange, 8, START).message(3).text) is None


@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
def test_times_go_up_and_most_trades_share_theirs(exchange: str) -> None:
    """As in real recordings, of which 77 to 82 percent share their millisecond; and none is due before its time."""
    source = GeneratedMessages(exchange, 7, START, per_second=50)
    dues = [source.message(number).due for number in range(1000)]
    shared = sum(times for times in Counter(dues).values() if times > 1)

    assert dues == sorted(dues)
    assert dues[0] * 1_000_000 == pytest.approx(START)
    assert 19.0 < dues[-1] - dues[0] < 20.0
    assert 0.7 < shared / len(dues) < 0.95
