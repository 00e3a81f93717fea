"""A writer that commits between RECOVER and PUBLISH is found, although it does not change the watermark."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.snapshots import check_nothing_added
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.iceberg import opened, orphaned_files, read_history
from harness.subjects.listeners import CallOnce
from harness.subjects.offload_cli import TOKEN
from harness.verdict import assert_all
from offload.errors import DataError, Fenced
from offload.model.cold_table import Publication
from offload.protocol.adapters import Adapters
from offload.results import RunResult
from offload.tables import declarations
from tests.support.offload import check_invariants

BETWEEN = ["after:recover", "after:plan", "at:file_written", "after:verify", "before:publish", "at:metadata_written"]
Opener = Callable[[EmbeddedEnvironment], AbstractContextManager[Adapters]]


@pytest.mark.parametrize("event", BETWEEN)
def test_a_writer_that_does_not_change_the_watermark_fences_the_run(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    adapters: Opener,
    event: str,
) -> None:
    """A backfill's commit has a newer token and the same watermark: the run ends with 75 and publishes nothing."""
    _, made, expected = hot["one"]
    environment = new_environment()
    assert offload(environment, until=made.time_at(0.499)).exit_code == 0
    second = CallOnce(event, lambda: backfill(adapters, environment))

    fenced = offload(environment, listeners=[second])
    history = read_history(environment.cold)
    next_run = offload(environment)

    assert second.happened
    assert (fenced.exit_code, kind(fenced), fenced.tables[0].rows) == (75, Fenced.__name__, 0)
    assert [record.added_rows for record in history] == [600, 0]
    assert next_run.exit_code == 0
    assert_all(check_invariants(environment, expected))


def test_an_empty_commit_without_a_token_does_not_stop_the_run(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """It changes no row, as a compaction does: the run commits on top of it."""
    _, made, expected = hot["one"]
    environment = new_environment()
    assert offload(environment, until=made.time_at(0.499)).exit_code == 0
    compaction = CallOnce("before:publish", lambda: by_hand(environment, rows=0))

    result = offload(environment, listeners=[compaction])

    assert compaction.happened
    assert (result.exit_code, result.tables[0].rows) == (0, 600), result.tables[0].error
    assert len(read_history(environment.cold)) == 3
    assert_all(check_invariants(environment, expected))


@pytest.mark.parametrize("event", ["after:recover", "before:publish", "at:metadata_written"])
def test_rows_that_another_job_appends_during_a_run_stop_it(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Rows without a token are unexplained: the run publishes nothing, and a person must decide."""
    environment = new_environment()
    assert offload(environment, until=hot["one"][1].time_at(0.499)).exit_code == 0
    hand = CallOnce(event, lambda: by_hand(environment, rows=5))

    result = offload(environment, listeners=[hand])
    history = read_history(environment.cold, token=TOKEN)

    assert hand.happened
    assert (result.exit_code, kind(result)) == (65, DataError.__name__)
    assert [record.added_rows for record in history] == [600, 5]
    assert orphaned_files(environment.cold), "what was written is listed, not deleted"
    assert offload(environment).exit_code == 65
    assert_all(check_nothing_added(history, read_history(environment.cold, token=TOKEN)))


def backfill(adapters: Opener, environment: EmbeddedEnvironment) -> None:
    """Publish with a newer token and the same watermark, as `offload backfill` will."""
    spec = declarations.load(None)[environment.table]
    with adapters(environment) as other:
        state = other.lake.load(spec)
        assert state is not None
        assert state.token is not None
        token = replace(state.token, run_id="backfill", epoch=state.token.epoch + 1, rows=0, digest=0)
        other.lake.commit(spec, state, Publication(token, (), state.coverage), lambda: None)


def by_hand(environment: EmbeddedEnvironment, rows: int) -> None:
    """Append copies of `rows` rows through PyIceberg, without a token."""
    with opened(environment.cold) as table:
        table.append(table.scan().to_arrow().slice(0, rows))


def kind(result: RunResult) -> str | None:
    """The kind of the error of the run's only table."""
    error = result.tables[0].error
    return error and error["kind"]
