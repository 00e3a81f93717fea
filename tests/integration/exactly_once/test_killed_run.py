"""A run that dies of SIGKILL at whatever moment leaves nothing that the next run does not put right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.checkers.snapshots import check_nothing_added
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.iceberg import live_files, orphaned_files, read_history
from harness.subjects.offload_cli import TOKEN
from harness.verdict import assert_all
from offload.model.steps import STEP_EVENTS
from offload.results import RunResult
from tests.support.offload import check_invariants, cold_watermark, published_rows, run_offload

UNPUBLISHED = {"after:write", "before:verify", "after:verify", "before:publish", "at:metadata_written"}
PUBLISHED = {"after:publish", "before:record", "after:record"}
NOTHING_TO_DO = [f"{when}:{step}" for step in ("claim", "recover", "plan", "record") for when in ("before", "after")]
FROM_WRITE_ON = ["after:claim", "at:file_written", *sorted(UNPUBLISHED | PUBLISHED)]


@dataclass(frozen=True)
class Scenario:
    """
    What the killed run has before it.

    `done` is the part of the trades that an earlier run has moved; `nth` at which of several equal moments to strike.
    """

    hot: str = "one"
    done: float = 0
    settings: dict[str, str] = field(default_factory=dict)
    nth: dict[str, int] = field(default_factory=dict)


SPLITS = {"at:split_started": 3, "at:file_written": 3}
SECOND = {moment: 2 for moment in STEP_EVENTS if not moment.endswith((":claim", ":recover", ":record"))}
SCENARIOS = {
    "first": Scenario(),
    "incremental": Scenario(done=0.6),
    "splits": Scenario("many", nth=SPLITS),
    "batches": Scenario("many", settings={"batch_rows": "900"}, nth=SECOND),
}


@pytest.mark.parametrize("moment", STEP_EVENTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_next_run_is_exact_wherever_the_last_one_was_killed(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    scenario: str,
    moment: str,
) -> None:
    """Nothing is lost, repeated, altered or half visible, orphans are listed, and the store follows the table."""
    given = SCENARIOS[scenario]
    environment = new_environment(given.hot, **given.settings)
    killed_then_exact(environment, given, moment, hot[given.hot], offload)


@pytest.mark.parametrize("moment", FROM_WRITE_ON)
def test_the_next_run_is_exact_with_catalog_and_store_in_postgres(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    moment: str,
) -> None:
    """As with SQLite: the dead run's session ends with it, so its lease is taken over at once."""
    environment = new_environment("one", store="postgres")
    killed_then_exact(environment, SCENARIOS["incremental"], moment, hot["one"], offload)


@pytest.mark.parametrize("moment", NOTHING_TO_DO)
def test_a_run_without_work_that_is_killed_changes_nothing(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    moment: str,
) -> None:
    """Neither it nor the next run adds a snapshot."""
    environment = new_environment()
    assert offload(environment).exit_code == 0
    before, mark = read_history(environment.cold, token=TOKEN), cold_watermark(environment)

    killed = run_offload(["run", environment.table], environment, at=moment)
    next_run = offload(environment).tables[0]

    assert (killed.killed, killed.fault_fired) == (True, True)
    assert (next_run.status, next_run.rows, next_run.error) == ("nothing_new", 0, None)
    assert_all(check_nothing_added(before, read_history(environment.cold, token=TOKEN)))
    assert_all(check_invariants(environment, hot["one"][2], observed=[mark]))


def test_a_run_without_work_tells_no_other_moments(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult]
) -> None:
    """So that the test above leaves none out."""
    environment, told = new_environment(), []
    assert offload(environment).exit_code == 0

    offload(environment, listeners=[lambda moment: told.append(str(moment))])

    assert told == NOTHING_TO_DO


def killed_then_exact(
    environment: EmbeddedEnvironment,
    given: Scenario,
    moment: str,
    hot: tuple[Any, Any, Any],
    offload: Callable[..., RunResult],
) -> None:
    """Kill a run at the moment, look at what it left, and hold what the next run makes of it against the promise."""
    _, trades, expected = hot
    observed: list[int | None] = []
    if given.done:
        assert offload(environment, until=trades.moment(given.done)).exit_code == 0
        observed.append(cold_watermark(environment))

    killed = run_offload(["run", environment.table], environment, at=moment, nth=given.nth.get(moment, 1))
    assert (killed.killed, killed.fault_fired) == (True, True), killed
    created = bool(given.done) or moment not in NOT_YET_CREATED
    left, rows_before = remains(environment, moment) if created else (set(), 0)
    observed.append(cold_watermark(environment) if created else None)
    next_run = offload(environment).tables[0]

    assert next_run.error is None
    assert rows_before + next_run.rows == expected.num_rows
    assert_all(check_invariants(environment, expected, observed=observed))
    assert set(orphaned_files(environment.cold)) == left, "the dead run's files are still listed"
    assert not {str(path) for path in left} & {path.removeprefix("file://") for path in live_files(environment.cold)}


NOT_YET_CREATED = {"before:claim", "after:claim", "before:recover"}


def remains(environment: EmbeddedEnvironment, moment: str) -> tuple[set[Any], int]:
    """Orphans of the killed run and rows that are published, judged against what the moment allows."""
    rows = sum(published_rows(read_history(environment.cold)))
    left = set(orphaned_files(environment.cold))
    if moment in UNPUBLISHED:
        dead = environment.runs()[-1]["run_id"]
        assert left, "a run that died between WRITE and the commit leaves files"
        assert all(dead in path.name for path in left)
    if moment in PUBLISHED:
        assert not left
        assert rows, "a run that died after PUBLISH has published"
    return left, rows
