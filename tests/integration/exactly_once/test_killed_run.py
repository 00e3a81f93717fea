"""After SIGKILL at any event of a run, the next run completes its work."""

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
    The state before the killed run.

    `done` is the part of the trades that an earlier run has published; `nth` is the occurrence of the event.
    """

    hot: str = "one"
    done: float = 0
    settings: dict[str, str] = field(default_factory=dict)
    nth: dict[str, int] = field(default_factory=dict)


SPLITS = {"at:split_started": 3, "at:file_written": 3}
SECOND = {event: 2 for event in STEP_EVENTS if not event.endswith((":claim", ":recover", ":record"))}
SCENARIOS = {
    "first": Scenario(),
    "incremental": Scenario(done=0.6),
    "splits": Scenario("many", nth=SPLITS),
    "batches": Scenario("many", settings={"batch_rows": "900"}, nth=SECOND),
}


@pytest.mark.parametrize("event", STEP_EVENTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_next_run_is_exact_after_a_kill_at_any_event(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    scenario: str,
    event: str,
) -> None:
    """No row is lost, repeated or changed, no part of a batch is visible, and the store has the watermark."""
    given = SCENARIOS[scenario]
    environment = new_environment(given.hot, **given.settings)
    killed_then_exact(environment, given, event, hot[given.hot], offload)


@pytest.mark.parametrize("event", FROM_WRITE_ON)
def test_the_next_run_is_exact_with_catalog_and_store_in_postgres(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """As with SQLite: the session of the killed run ends with it, so its lease is taken over at once."""
    environment = new_environment("one", store="postgres")
    killed_then_exact(environment, SCENARIOS["incremental"], event, hot["one"], offload)


@pytest.mark.parametrize("event", NOTHING_TO_DO)
def test_a_run_without_work_that_is_killed_changes_nothing(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Neither it nor the next run adds a snapshot."""
    environment = new_environment()
    assert offload(environment).exit_code == 0
    before, mark = read_history(environment.cold, token=TOKEN), cold_watermark(environment)

    killed = run_offload(["run", environment.table], environment, at=event)
    next_run = offload(environment).tables[0]

    assert (killed.killed, killed.fault_fired) == (True, True)
    assert (next_run.status, next_run.rows, next_run.error) == ("nothing_new", 0, None)
    assert_all(check_nothing_added(before, read_history(environment.cold, token=TOKEN)))
    assert_all(check_invariants(environment, hot["one"][2], observed=[mark]))


def test_a_run_without_work_emits_no_other_events(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult]
) -> None:
    """So the test above has all of them."""
    environment, events = new_environment(), []
    assert offload(environment).exit_code == 0

    offload(environment, listeners=[lambda event: events.append(str(event))])

    assert events == NOTHING_TO_DO


def killed_then_exact(
    environment: EmbeddedEnvironment,
    given: Scenario,
    event: str,
    hot: tuple[Any, Any, Any],
    offload: Callable[..., RunResult],
) -> None:
    """Kill a run at the event, check what it left, and check the result of the next run."""
    _, trades, expected = hot
    observed: list[int | None] = []
    if given.done:
        assert offload(environment, until=trades.time_at(given.done)).exit_code == 0
        observed.append(cold_watermark(environment))

    killed = run_offload(["run", environment.table], environment, at=event, nth=given.nth.get(event, 1))
    assert (killed.killed, killed.fault_fired) == (True, True), killed
    created = bool(given.done) or event not in NOT_YET_CREATED
    left, rows_before = remains(environment, event) if created else (set(), 0)
    observed.append(cold_watermark(environment) if created else None)
    next_run = offload(environment).tables[0]

    assert next_run.error is None
    assert rows_before + next_run.rows == expected.num_rows
    assert_all(check_invariants(environment, expected, observed=observed))
    assert set(orphaned_files(environment.cold)) == left, "the killed run's files are still listed as orphans"
    assert not {str(path) for path in left} & {path.removeprefix("file://") for path in live_files(environment.cold)}


NOT_YET_CREATED = {"before:claim", "after:claim", "before:recover"}


def remains(environment: EmbeddedEnvironment, event: str) -> tuple[set[Any], int]:
    """Orphans of the killed run and published rows; both are checked against the event."""
    rows = sum(published_rows(read_history(environment.cold)))
    left = set(orphaned_files(environment.cold))
    if event in UNPUBLISHED:
        dead = environment.runs()[-1]["run_id"]
        assert left, "a run that was killed between WRITE and the commit leaves files"
        assert all(dead in path.name for path in left)
    if event in PUBLISHED:
        assert not left
        assert rows, "a run that died after PUBLISH has published"
    return left, rows
