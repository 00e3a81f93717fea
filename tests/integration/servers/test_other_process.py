"""A split and its rows can be pickled together and read in another process, as an engine on a cluster does."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from harness.environments.servers import server_environment
from harness.stack.stack import Stack
from harness.trades.tagged import TaggedTrades
from tests.support.offload import settings_of
from tests.support.other_process import pickled_split, read_split

SPAWN = multiprocessing.get_context("spawn")


def test_a_pickled_split_of_a_server_is_read_in_another_process(stack: Stack) -> None:
    """The client in the other process opens connections of its own, with the password of the settings."""
    with server_environment(stack) as environment, ProcessPoolExecutor(1, mp_context=SPAWN) as reader:
        environment.insert(TaggedTrades(5_000, symbols=("BTCUSDT", "ETHUSDT")))
        pickled, planned = pickled_split(settings_of(environment), environment.table)

        arrived, read = reader.submit(read_split, pickled).result(120)

    assert arrived == planned.fingerprint.rows > 0
    assert read == planned
