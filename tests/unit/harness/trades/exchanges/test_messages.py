from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trades.exchanges import EXCHANGES
from harness.trades.exchanges import kraken as kraken_messages
from harness.trades.exchanges.trade import iso_microseconds
from harness.trades.messages import RecordedMessages
from tests.support import generated_trades
from tests.support.recorded_messages import RECORDED, record


@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
@given(data=st.data())
def test_a_message_gives_back_every_trade_to_the_last_digit(exchange: str, data: st.DataObject) -> None:
    """Eighteen digits, more than a float has; the side is the taker's whatever the exchange prints."""
    form = EXCHANGES[exchange]
    trades = data.draw(st.lists(generated_trades.trades(exchange), min_size=1, max_size=form.MOST))

    assert form.trades(form.message(trades)) == trades


@given(st.lists(generated_trades.trades("kraken"), min_size=2, max_size=5))
def test_kraken_prints_its_prices_as_numbers_and_several_trades_together(trades: list[generated_trades.Trade]) -> None:
    """As version 2 of its channel does."""
    message = json.loads(kraken_messages.message(trades), parse_float=str, parse_int=int)

    assert (message["channel"], len(message["data"])) == ("trade", len(trades))
    assert [trade["price"] for trade in message["data"]] == [f"{trade.price:f}" for trade in trades]


@pytest.mark.parametrize("exchange", generated_trades.EXCHANGES)
def test_a_recording_is_sent_as_the_exchange_sends_it(tmp_path: Path, exchange: str) -> None:
    """Binance's and Coinbase's lines as they stand; Kraken's REST records as messages, in the same digits."""
    record(tmp_path)
    texts = list(EXCHANGES[exchange].recorded(tmp_path))

    assert texts == RECORDED[exchange]


def test_recorded_messages_are_told_by_their_text(tmp_path: Path) -> None:
    """So that a handler finds its position in the log again."""
    record(tmp_path)
    source = RecordedMessages("kraken", tmp_path)
    first, second = source.message(0), source.message(1)

    assert source.message(2) is None
    assert first is not None
    assert second is not None
    assert first.keys == (("kraken", "BTC/USDT", "10218208"), ("kraken", "BTC/USDT", "10218209"))
    assert [source.position(text) for text in (first.text, second.text, "poison")] == [0, 1, None]


@pytest.mark.parametrize("text", ["2021-04-17 16:43:37Z", "2021-04-17T16:43:37.1+00:00", "", "2021-02-30T16:43:37Z"])
def test_a_time_of_another_form_is_refused(text: str) -> None:
    """Rather than read as something else."""
    with pytest.raises(ValueError, match=r"expected a time|day is out of range"):
        iso_microseconds(text)
