"""
The loads of the system that Tidemark replaces, on real servers: every row once, in the time and memory that it had.

They take seconds where that had minutes: reports/loads.json has both figures. The limits are time-outs of these tests
and no measurement: `bench/` measures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.environments.servers import server_environment
from harness.stack.stack import Stack
from tests.support.loads import BRONZE, GOLD, TABLES, Loads
from tests.support.offload import run_offload

MINUTE = 60.0
MEMORY_MB = 4096


@pytest.fixture
def loads(stack: Stack) -> Iterator[Loads]:
    """The ten tables, empty; the figures of the test's runs go into the report."""
    with server_environment(stack) as environment:
        loads = Loads(environment)
        loads.create()
        yield loads
        loads.report()


def test_three_runs_of_one_table_move_each_row_once(loads: Loads) -> None:
    """53,782, then 1,963, then 2,528 rows."""
    first = 0
    for rows in (53_782, 1_963, 2_528):
        loads.insert(BRONZE[0], first, rows)
        loads.run(f"{rows:,} rows of one table", rows, 5 * MINUTE, [BRONZE[0]])
        first += rows

    assert run_offload(["audit", BRONZE[0]], loads.environment).returncode == 0
    assert max(load.peak_mb for load in loads.done) < MEMORY_MB


def test_ten_thousand_rows_and_five_thousand_more(loads: Loads) -> None:
    """In under five and three minutes, and 4 GB."""
    loads.insert(BRONZE[0], 0, 10_000)
    loads.run("10,000 rows", 10_000, 5 * MINUTE, [BRONZE[0]])
    loads.insert(BRONZE[0], 10_000, 5_000)
    loads.run("5,000 rows more", 5_000, 3 * MINUTE, [BRONZE[0]])

    assert max(load.peak_mb for load in loads.done) < MEMORY_MB


def test_ten_tables_in_one_cycle(loads: Loads) -> None:
    """10,000 new rows in each, twice; the second time on tables that are there."""
    for first in (0, 10_000):
        for table in TABLES:
            loads.insert(table, first, 10_000)
        loads.run(f"ten tables of 10,000 rows{' more' if first else ''}", 100_000, 15 * MINUTE)

    assert run_offload(["audit"], loads.environment).returncode == 0
    assert max(load.peak_mb for load in loads.done) < MEMORY_MB


@pytest.mark.parametrize(
    ("layer", "table", "minutes"), [("bronze", BRONZE[0], 3), ("silver", "silver_trades", 5), ("gold", GOLD[0], 2)]
)
def test_a_hundred_thousand_rows_of_each_layer(loads: Loads, layer: str, table: str, minutes: int) -> None:
    """Of one table."""
    loads.insert(table, 0, 100_000)

    loads.run(f"100,000 rows of {layer}", 100_000, minutes * MINUTE, [table])

    assert max(load.peak_mb for load in loads.done) < MEMORY_MB
