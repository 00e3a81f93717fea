"""Tables of a server that must not be published: exit 65, a message in four parts, and no change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from harness.environments.servers import DDL, ServerEnvironment, server_environment
from harness.readers.clickhouse import opened
from harness.stack.stack import Stack
from harness.trades.tagged import COLUMNS, START, TaggedTrades, create
from tests.support.run import refusal_of, run

LATER = TaggedTrades(10, start=START + timedelta(days=2), tag="later-", first_sequence=1000)
SPOILT = LATER.select().replace("concat('later-', ", "concat(unhex('FF'), ")


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table with published rows."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        assert run(environment).returncode == 0
        yield environment


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        pytest.param("DROP TABLE {table} SYNC", "no table of that name", id="table dropped"),
        pytest.param("ALTER TABLE {table} DROP COLUMN quantity", "quantity", id="column dropped"),
        pytest.param("ALTER TABLE {table} MODIFY COLUMN price Float64", "price", id="column of another type"),
        pytest.param(f"INSERT INTO {{table}} ({COLUMNS}) {SPOILT}", "trade_id", id="text that is no UTF-8"),
    ],
)
def test_a_table_that_cold_cannot_have_is_65(environment: ServerEnvironment, statement: str, part: str) -> None:
    """The message names the table or the column."""
    with opened(environment.dsn) as client:
        client.command(statement.format(table=environment.table))

    code, error = refusal_of(environment)

    assert (code, error["kind"]) == (65, "DataError"), error
    assert part in error["expected"] + error["found"]


def test_a_sequence_that_a_long_cannot_hold_is_65(environment: ServerEnvironment) -> None:
    """An unsigned number above 2^63 - 1 would be stored as a negative one."""
    environment.insert(TaggedTrades(10, start=LATER.start, tag="huge-", first_sequence=2**63))

    code, error = refusal_of(environment)

    assert (code, error["kind"]) == (65, "DataError"), error
    assert "sequence_number" in error["expected"]


def test_a_recreated_table_of_the_same_name_is_65(environment: ServerEnvironment) -> None:
    """It is another table: the watermark is not about its rows."""
    with opened(environment.dsn) as client:
        client.command(f"DROP TABLE {environment.table} SYNC")
        create(client, (DDL / f"{environment.table}.sql").read_text())
    environment.insert(LATER)

    code, error = refusal_of(environment)

    assert (code, error["kind"]) == (65, "DataError"), error
    assert "recreated" in error["found"]
    assert "adopt" in error["next"]
