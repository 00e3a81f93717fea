"""A real server compares hot and cold, and reads the files from a real bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from harness.child_process import Completed
from harness.environments.servers import ServerEnvironment, server_environment
from harness.readers import clickhouse
from harness.readers.iceberg import opened
from harness.stack.stack import Stack
from harness.trades import tagged
from harness.trades.tagged import TaggedTrades
from tests.support.offload import run_offload
from tests.support.run import run


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table whose rows are all cold."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        assert run(environment).returncode == 0
        yield environment


def command(environment: ServerEnvironment, *words: str) -> Completed:
    """Run one of the other commands."""
    return run_offload([*words, environment.table, "--json"], environment)


def test_an_audit_of_equal_tiers_is_equal(environment: ServerEnvironment) -> None:
    """Maps, enumerations and decimals are equal, whether the server reads them from the table or from files."""
    audited = command(environment, "audit")
    (found,) = json.loads(audited.stdout)["tables"]

    assert (audited.returncode, found["equal"]) == (0, True), audited
    assert (found["hot_rows"], found["cold_rows"]) == (50, 50)


def test_an_audit_counts_differences(environment: ServerEnvironment) -> None:
    """One row with another price, one that cold lacks: exit 65."""
    with clickhouse.opened(environment.dsn) as client:
        client.command(
            f"ALTER TABLE {environment.table} UPDATE price = price + 1 WHERE sequence_number = 7 "
            "SETTINGS mutations_sync = 1"
        )
    environment.insert(TaggedTrades(1, tag="other-"))

    audited = command(environment, "audit")
    (found,) = json.loads(audited.stdout)["tables"]

    assert audited.returncode == 65, audited
    assert (found["missing"], found["extra"], found["different"]) == (1, 1, 1)


def test_a_table_that_another_job_filled_is_adopted(environment: ServerEnvironment) -> None:
    """Rows without a token and an empty store: the run names the command that compares them."""
    environment.store("DELETE FROM offload_watermarks WHERE table_name = :table")
    with opened(environment.cold) as table, table.transaction() as changes:
        changes.remove_properties(*[name for name in table.properties if name.startswith("tidemark.")])

    refused = run(environment)
    adopted = command(environment, "adopt")
    environment.insert(TaggedTrades(50, start=tagged.START.replace(day=20), tag="later-", first_sequence=1000))
    again = run(environment)

    assert (refused.returncode, adopted.returncode, again.returncode) == (65, 0, 0), (refused, adopted, again)
    assert "offload adopt" in refused.stderr
    assert json.loads(again.stdout)["tables"][0]["rows"] == 50
