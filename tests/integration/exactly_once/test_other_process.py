"""A split and its rows can be pickled together and read in another process, as an engine on a cluster does."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from harness.environments.embedded import EmbeddedEnvironment
from tests.support.offload import settings_of
from tests.support.other_process import pickled_split, read_split

SPAWN = multiprocessing.get_context("spawn")


def test_a_pickled_split_of_chdb_is_read_in_another_process(
    new_environment: Callable[..., EmbeddedEnvironment],
) -> None:
    """One process plans and ends, since chDB opens a folder in one process only; the next reads the same rows."""
    environment = new_environment("many")

    with ProcessPoolExecutor(1, mp_context=SPAWN) as planner:
        pickled, planned = planner.submit(pickled_split, settings_of(environment), environment.table).result(120)
    with ProcessPoolExecutor(1, mp_context=SPAWN) as reader:
        arrived, read = reader.submit(read_split, pickled).result(120)

    assert arrived == planned.fingerprint.rows > 0
    assert read == planned
