"""`expire-hot` that is killed at any event, or meets another command, loses nothing; the next one ends its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.verdict import assert_all
from offload import api
from offload.errors import LeaseHeld
from offload.model.steps import ExpiryStep, Step
from offload.results import RunResult
from tests.support.offload import check_invariants, run_offload, settings_of, start_offload

STEPS = (Step.CLAIM, Step.RECOVER, Step.PLAN, Step.PUBLISH, ExpiryStep.LOOK, ExpiryStep.DROP, Step.RECORD)
EVENTS = [f"{when}:{step}" for step in STEPS for when in ("before", "after")] + ["at:metadata_written"]


def expire(environment: EmbeddedEnvironment) -> dict[str, Any]:
    """Drop everything that is proven, in this process."""
    return api.expire_hot(environment.table, older_than="0s", settings=settings_of(environment))


def rows_in_hot(environment: EmbeddedEnvironment) -> int:
    """Rows that hot has, by a reader that knows nothing of the product."""
    rows: int = read_hot(HotTableAddress(environment.table, environment.dsn), final=True).num_rows
    return rows


@pytest.mark.parametrize("event", EVENTS)
def test_a_killed_command_drops_nothing_unproven_and_the_next_one_ends_its_work(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Cold has every row, once; a run between the two finds nothing new, nothing late and nothing changed."""
    environment, expected = new_environment("many"), hot["many"][2]
    assert offload(environment).exit_code == 0

    killed = run_offload(["expire-hot", environment.table, "--older-than", "0s"], environment, at=event)
    (between,) = offload(environment).tables
    left = rows_in_hot(environment)
    found = expire(environment)

    assert (killed.killed, killed.fault_fired) == (True, True), killed
    assert (between.error, between.rows, between.late_rows, between.changed_rows) == (None, 0, 0, 0)
    assert left == expected.num_rows or event in {"after:drop", "before:record", "after:record"}
    assert (found["rows"], rows_in_hot(environment)) == (left, 0)
    assert found["expired_through"]
    assert_all(check_invariants(environment, expected))


def test_of_two_commands_on_one_table_the_second_is_refused(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """Whether it is another expire-hot or a run; the first goes on."""
    environment, expected = new_environment("many"), hot["many"][2]
    assert offload(environment).exit_code == 0
    beside = environment.beside()
    words = ["expire-hot", environment.table, "--older-than", "0s"]

    with start_offload(words, environment, at="after:look", action="freeze") as first:
        first.wait_frozen()
        with pytest.raises(LeaseHeld):
            expire(beside)
        assert offload(beside).exit_code == 75
        first.thaw()
        ended = first.wait()

    assert ended.returncode == 0, ended
    assert (rows_in_hot(environment), rows_in_hot(beside)) == (0, expected.num_rows)
    assert_all(check_invariants(environment, expected))
