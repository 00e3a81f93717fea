"""
Recorded trades of three exchanges on their whole way: feed handler, broker, ClickHouse, offload, MinIO.

Each trade is compared with the file of its recording, by readers that share no code with `offload`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import allure
import pytest

from harness.readers.iceberg import read_cold
from harness.trades.exchanges.recordings import recordings
from tests.support.offload import run_offload
from tests.support.recorded import EPOCH, EXCHANGES, Trade, folder_of_recordings, messages

if TYPE_CHECKING:
    from harness.environments.servers import ServerEnvironment
    from harness.feed.ingestion import DeadLetter
    from harness.feed.process import Feed
    from harness.stack.stack import Stack

TABLES = tuple(f"bronze_trades_{exchange}" for exchange in EXCHANGES)


class Offloaded(NamedTuple):
    """The recordings, the environment with the published rows, and the reports of the feed handlers and of bronze."""

    recordings: Path
    environment: ServerEnvironment
    feeds: dict[str, Feed]
    dead_letters: list[DeadLetter]

    def cold_rows(self, exchange: str) -> Iterator[Trade]:
        """The rows of an exchange's Iceberg table, as any reader sees them."""
        cold = replace(self.environment, table=f"bronze_trades_{exchange}").cold
        for row in read_cold(cold).to_pylist():
            assert row["exchange"] == exchange
            assert row["quote_volume"] == row["price"] * row["quantity"]
            assert row["is_buyer_maker"] == (row["side"] == "sell")
            assert str(row["sequence_number"]) == row["trade_id"]
            time = (row["exchange_timestamp"] - EPOCH) // timedelta(microseconds=1)
            numbers, printed = (row["price"], row["quantity"]), dict(row["metadata"])["exchange_time"]
            yield Trade(row["symbol"], row["trade_id"], *numbers, row["side"], time, printed)


@pytest.fixture(scope="module")
def offloaded(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offloaded]:
    """All three exchanges' trades sent at once, Binance's across a kill -9 of its handler, consumed and offloaded."""
    from harness.environments.servers import server_environment
    from harness.feed.ingestion import open_ingestion
    from harness.feed.lag import wait_consumed
    from harness.feed.process import Feed, recorded

    folder = folder_of_recordings(tmp_path_factory.mktemp("recordings"))
    journals = tmp_path_factory.mktemp("journals")
    with ExitStack() as closing:
        environment = closing.enter_context(server_environment(stack))
        ways = [closing.enter_context(open_ingestion(environment, exchange)) for exchange in EXCHANGES]
        feeds = {
            way.exchange: Feed(way.exchange, way.bootstrap, way.topic, journals / way.exchange, recorded(folder))
            for way in ways
        }
        with replace(feeds["binance"], rate=2_000) as killed:
            killed.wait_acked(500)
            killed.kill()
        for feed in feeds.values():
            closing.enter_context(feed)
        for feed, way in zip(feeds.values(), ways, strict=True):
            feed.wait()
            wait_consumed(way)
        letters = [letter for way in ways for letter in way.dead_letters()]
        finished = run_offload(["run", *TABLES], environment)
        assert finished.returncode == 0, finished.stderr
        yield Offloaded(folder, environment, feeds, letters)


def test_every_recorded_trade_comes_out_of_iceberg_equal_to_the_file(offloaded: Offloaded) -> None:
    """
    Trade by trade: id, exact price and quantity, the taker's side, the exchange's time to the microsecond.

    The ledger and the dead letters show that neither the feed nor bronze left one out.
    """
    allure.dynamic.parameter("trades", "recorded" if recordings() else "generated in the recorded forms")
    for exchange in EXCHANGES:
        sent = sorted(as_sent(exchange, trade) for trade in messages(offloaded.recordings, exchange))
        held = sorted(offloaded.cold_rows(exchange))
        ledger = offloaded.feeds[exchange].ledger()

        assert len(sent) > 0
        assert len(held) == len(sent)
        assert [pair for pair in zip(sent, held, strict=True) if pair[0] != pair[1]][:3] == []
        assert {*ledger.acked, *ledger.unknown} == {(exchange, trade.symbol, trade.id) for trade in sent}
        assert ledger.refused == ()
    assert offloaded.dead_letters == []


def as_sent(exchange: str, trade: Trade) -> Trade:
    """Kraken's recorder wrote seconds and an older symbol; the exchange's messages have a time and a pair."""
    if exchange != "kraken":
        return trade
    seconds, fraction = trade.printed.split(".")
    time = datetime.fromtimestamp(int(seconds), UTC)
    return trade._replace(symbol=trade.symbol.replace("XBT", "BTC/"), printed=f"{time:%Y-%m-%dT%H:%M:%S}.{fraction}Z")
