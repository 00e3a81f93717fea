"""From the broker through bronze, silver and gold into the cold tier: candles of real trades in any order."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.feed.ingestion import open_ingestion
from harness.feed.lag import wait_consumed
from harness.feed.layers import refresh_candles, statements
from harness.feed.topics import publish
from harness.readers.clickhouse import HotTableAddress, count_hot, opened, read_hot
from harness.readers.iceberg import read_cold
from harness.trades.exchanges import EXCHANGES
from tests.support.candles import COLUMNS, INTERVALS, reference
from tests.support.layers import candles_of, trades_in
from tests.support.offload import run_offload
from tests.support.recorded import folder_of_recordings

if TYPE_CHECKING:
    from harness.environments.servers import ServerEnvironment
    from harness.feed.ingestion import Ingestion
    from harness.trades.exchanges.trade import Trade


def test_shuffled_late_and_doubled_trades_make_the_right_candles_in_both_tiers(
    environment: ServerEnvironment, tmp_path: Path
) -> None:
    """Half of the trades arrive after a refresh, a third twice, and then all again: hot and cold have the reference."""
    with ExitStack() as closing:
        ways = [closing.enter_context(open_ingestion(environment, exchange)) for exchange in EXCHANGES]
        trades = deliver(environment, ways, folder_of_recordings(tmp_path))
        expected = {interval: reference(trades, interval) for interval in INTERVALS}
        for interval, candles in expected.items():
            hot = read_hot(HotTableAddress(f"ohlcv_{interval}", environment.dsn), final=True)
            assert candles_of(hot) == candles, interval
        ended = run_offload(["run"], environment)

        assert ended.returncode == 0, ended.stderr
        for interval, candles in expected.items():
            cold = read_cold(replace(environment, table=f"ohlcv_{interval}").cold, COLUMNS)
            assert candles_of(cold) == candles, interval
        silver = read_cold(replace(environment, table="silver_trades").cold, ("message_id",))
        assert silver.num_rows == len(set(silver.column("message_id").to_pylist())) == len(trades)
        assert count_hot(HotTableAddress("silver_trades", environment.dsn), final=True) == len(trades)
        assert run_offload(["audit"], environment).returncode == 0


def deliver(environment: ServerEnvironment, ways: list[Ingestion], folder: Path) -> list[tuple[str, Trade]]:
    """Send the recorded trades of all exchanges in a random order; return them when the candles are refreshed."""
    dice, trades = random.Random(7), []  # noqa: S311 - not used for a secret
    late: dict[str, list[str]] = {}
    with opened(environment.dsn) as client:
        for statement in statements():
            client.command(statement)
        for way in ways:
            texts = list(EXCHANGES[way.exchange].recorded(folder))
            trades += trades_in(way.exchange, texts)
            dice.shuffle(texts)
            half = len(texts) // 2
            late[way.exchange] = [*texts[half:], *dice.sample(texts, len(texts) // 3)]
            send(way, texts[:half])
        refresh_candles(client)
        for way in ways:
            send(way, late[way.exchange])
            wait_consumed(way.delivered_again())
        refresh_candles(client)
    return trades


def send(way: Ingestion, texts: list[str]) -> None:
    """Publish messages, and wait until they are in the hot tier."""
    publish(way.bootstrap, way.topic, [text.encode() for text in texts])
    wait_consumed(way)
