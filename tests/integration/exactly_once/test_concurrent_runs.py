"""Two runs that start together: one gets the lease, and the result is that of one run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.child_process import Completed
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers import clickhouse
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.readers.iceberg import read_history
from harness.trades import tagged
from harness.verdict import assert_all
from offload.results import RunResult
from tests.support.offload import check_invariants, published_rows, start_offload

ROUNDS = range(20)
DDL = Path(__file__).parents[3] / "fixtures" / "clickhouse"


@pytest.mark.parametrize("turn", ROUNDS)
def test_of_two_runs_at_once_one_publishes_or_both_succeed(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    turn: int,
) -> None:
    """With SQLite and Postgres, as first and as later runs; either of the two may win."""
    _, made, expected = hot["one"]
    environment = new_environment(store="postgres" if turn % 2 else "sqlite")
    if turn % 4 > 1:
        assert offload(environment, until=made.time_at(0.499)).exit_code == 0

    ended = at_once((environment.table, environment), (environment.table, environment))

    assert sorted(one.returncode for one in ended) in ([0, 0], [0, 75]), outputs(ended)
    assert len(published_rows(read_history(environment.cold))) == (2 if turn % 4 > 1 else 1)
    assert_all(check_invariants(environment, expected))


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_two_first_runs_of_two_tables_both_succeed(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], store: str
) -> None:
    """Both create the catalog, its namespace and the tables of the watermark store, and both succeed."""
    left = new_environment(store=store)
    right = replace(left, table="bronze_trades_kraken", hot_folder="clickhouse-kraken")
    shutil.copytree(left.folder / left.hot_folder, right.folder / right.hot_folder, symlinks=True)
    with clickhouse.opened(right.dsn) as client:
        tagged.create(client, (DDL / f"{right.table}.sql").read_text())
        tagged.insert(client, right.table, hot["one"][1])
    expected = read_hot(HotTableAddress(right.table, right.dsn), final=True)

    ended = at_once((left.table, left), (right.table, right))

    assert [one.returncode for one in ended] == [0, 0], outputs(ended)
    assert_all(check_invariants(left, hot["one"][2]), check_invariants(right, expected))


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_two_first_runs_that_both_create_a_table_publish_once(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], store: str
) -> None:
    """With copies of the hot table each run could go on; the lease stops one of them."""
    left = new_environment(store=store)

    ended = at_once((left.table, left), (left.table, left.beside()))

    assert sorted(one.returncode for one in ended) in ([0, 0], [0, 75]), outputs(ended)
    assert_all(check_invariants(left, hot["one"][2]))


def at_once(*runs: tuple[str, EmbeddedEnvironment]) -> list[Completed]:
    """Start each run, freeze it at its first event, and continue all at once."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(start_offload(["run", table], environment, at="before:claim", action="freeze"))
            for table, environment in runs
        ]
        for one in started:
            one.wait_frozen()
        for one in started:
            one.thaw()
        ended = [one.wait() for one in started]
    assert all(one.fault_fired for one in ended), "each run was frozen at its first event"
    return ended


def outputs(ended: list[Completed]) -> str:
    """The stderr of each child."""
    return "\n".join(f"exit code {one.returncode}: {one.stderr[-400:]}" for one in ended)
