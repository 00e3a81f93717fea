"""From the broker into the bronze tables: every trade once and exact, delivered again, and beside poison."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.checkers.content import check_content
from harness.checkers.trade_set import check_trade_set
from harness.feed.ingestion import Ingestion, open_ingestion
from harness.feed.lag import wait_consumed
from harness.feed.process import Feed, generated
from harness.feed.topics import publish
from harness.readers.clickhouse import HotTableAddress, count_hot, opened, read_hot
from harness.readers.values import rows
from harness.trades.bronze import DELIVERY, KEY
from harness.trades.exchanges import EXCHANGES
from harness.trades.messages import GeneratedMessages
from harness.verdict import Verdict
from tests.support.parsed_messages import trades_of
from tests.support.poison_messages import poisons

if TYPE_CHECKING:
    from harness.environments.servers import ServerEnvironment

START = int(time.time()) - 3600


@pytest.fixture(params=EXCHANGES)
def ingestion(request: pytest.FixtureRequest, environment: ServerEnvironment) -> Iterator[Ingestion]:
    """The way of each exchange's trades into ClickHouse."""
    with open_ingestion(environment, request.param) as opened:
        yield opened


def hot(ingestion: Ingestion) -> HotTableAddress:
    """Where its trades arrive."""
    return HotTableAddress(f"bronze_trades_{ingestion.exchange}", ingestion.environment.dsn)


def test_delivered_again_they_are_the_same_rows_but_for_the_delivery_columns(
    ingestion: Ingestion, tmp_path: Path
) -> None:
    """Every acked trade is there once; the second delivery inserts each again, and FINAL sees one of the two."""
    where = ingestion.exchange, ingestion.bootstrap, ingestion.topic, tmp_path / "journal"
    with Feed(*where, generated(7, START), until=2_000) as feed:
        feed.wait()
    wait_consumed(ingestion)
    once = read_hot(hot(ingestion), final=True)
    wait_consumed(ingestion.delivered_again())
    twice = read_hot(hot(ingestion), final=True)
    sets = check_trade_set(feed.ledger(), rows(twice, KEY))
    content = check_content(once, twice, key=KEY, delivery=DELIVERY)

    assert [finding.verdict for finding in (*sets, content)] == [Verdict.PASS] * 4, (*sets, content)
    assert rows(once, ("arrived_at",)) != rows(twice, ("arrived_at",))
    assert ingestion.dead_letters() == []


def test_poison_is_counted_and_stalls_nothing(ingestion: Ingestion) -> None:
    """Each is one dead letter with its reason, counted once however often it is delivered; all trades arrive, exact."""
    poison = poisons(ingestion.exchange)
    source = GeneratedMessages(ingestion.exchange, 7, START * 1_000_000)
    good = [source.message(number) for number in range(len(poison))]
    pairs = zip((message.text.encode() for message in good), (raw for raw, _ in poison), strict=True)
    publish(ingestion.bootstrap, ingestion.topic, [raw for pair in pairs for raw in pair])
    wait_consumed(ingestion)
    wait_consumed(ingestion.delivered_again())
    found = trades_of(read_hot(hot(ingestion), final=True).to_pylist())
    letters = ingestion.dead_letters()

    assert found == [trade for message in good for trade in EXCHANGES[ingestion.exchange].trades(message.text)]
    assert [(letter.raw, letter.reason) for letter in letters] == poison
    assert [letter.offset for letter in letters] == list(range(1, 2 * len(poison), 2))


def test_a_trade_older_than_the_ttl_is_a_dead_letter_and_never_vanishes(environment: ServerEnvironment) -> None:
    """The hot tier would drop it at the next merge, perhaps before it was offloaded."""
    day = 86_400
    with open_ingestion(environment, "coinbase", ttl_days=7) as ingestion:
        for days in (8, 6):
            source = GeneratedMessages("coinbase", days, (int(time.time()) - days * day) * 1_000_000)
            publish(ingestion.bootstrap, ingestion.topic, [source.message(n).text.encode() for n in range(100)])
        wait_consumed(ingestion)
        letters = ingestion.dead_letters()

        assert count_hot(hot(ingestion), final=True) == 100
        assert [(letter.offset, letter.reason) for letter in letters] == [(n, "older than 7 days") for n in range(100)]


def test_waiting_for_messages_that_are_not_consumed_says_how_many_are_left(environment: ServerEnvironment) -> None:
    """The message has the lag, the consumer group and where to look."""
    with open_ingestion(environment, "binance") as ingestion:
        with opened(environment.dsn) as client:
            client.command("DROP TABLE parse_binance SYNC")
        publish(ingestion.bootstrap, ingestion.topic, [b"x", b"y"])

        with pytest.raises(
            TimeoutError, match=f"found 2 messages that ClickHouse has not committed in group {ingestion.group}"
        ):
            wait_consumed(ingestion, timeout=1)
