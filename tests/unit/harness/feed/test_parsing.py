"""What the views of fixtures/clickhouse/kafka make of messages, on an embedded ClickHouse."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.trades.exchanges import EXCHANGES
from harness.trades.messages import GeneratedMessages
from tests.support import generated_trades
from tests.support.parsed_messages import Parsed, parsing
from tests.support.poison_messages import GOOD, poisons, with_settings

DAY = 86_400


@pytest.fixture(scope="module", params=generated_trades.EXCHANGES)
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parsed]:
    """The views of each exchange in turn."""
    with parsing(tmp_path_factory.mktemp("chdb"), request.param) as parsed:
        yield parsed


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_trade_reaches_bronze_to_the_last_digit(parsed: Parsed, data: st.DataObject) -> None:
    """Prices of eighteen digits, times to the microsecond and as printed, the taker's side, the exact product."""
    form = EXCHANGES[parsed.exchange]
    trades = data.draw(
        st.lists(generated_trades.trades(parsed.exchange), min_size=1, max_size=60, unique_by=lambda trade: trade.id)
    )
    parsed.feed(form.message(trades[at : at + form.MOST]) for at in range(0, len(trades), form.MOST))

    assert sorted(parsed.trades()) == sorted(trades)
    assert parsed.reasons() == []


def test_each_poison_is_one_dead_letter_and_changes_no_trade_around_it(parsed: Parsed) -> None:
    """Whatever it is: nothing raises, or the topic would stall for ever."""
    poison = poisons(parsed.exchange)
    live = GeneratedMessages(parsed.exchange, 7, int(time.time() - DAY) * 1_000_000)
    good = [live.message(number).text for number in range(len(poison) + 1)]
    parsed.feed([good[0], *(text for bad, after in zip(poison, good[1:], strict=True) for text in (bad[0], after))])
    expected = [trade for text in good for trade in EXCHANGES[parsed.exchange].trades(text)]

    assert parsed.reasons() == [(2 * n + 1, 1, reason) for n, (_, reason) in enumerate(poison)]
    assert sorted(parsed.trades()) == sorted(expected)


def test_numbers_are_read_as_text_and_never_as_floats(parsed: Parsed) -> None:
    """Seventeen digits that a float would change, an exponent, and zeros to no end within reason."""
    prices = "1234567890.12345671", "5.117E+3", "1e-08", "0.100000000000000", "-0.5", "9007199254740993e-6"
    good = GOOD[parsed.exchange]
    parsed.feed(with_settings(parsed.exchange, good, price=price, trade_id=str(n)) for n, price in enumerate(prices))

    assert parsed.reasons() == []
    assert {trade.price for trade in parsed.trades()} == {Decimal(price) for price in prices}


def test_times_finer_than_microseconds_are_cut_and_kept_as_printed(parsed: Parsed) -> None:
    """Never rounded; Binance prints milliseconds."""
    printed = "1723161255999" if parsed.exchange == "binance" else "2024-08-08T23:54:15.9999999999Z"
    parsed.feed([with_settings(parsed.exchange, GOOD[parsed.exchange], time=json.dumps(printed))])
    (trade,) = parsed.trades()

    assert trade.time == 1_723_161_255_999_000 + (0 if parsed.exchange == "binance" else 999)
    assert trade.printed == printed
