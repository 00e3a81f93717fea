"""The commit that lets cold follow hot's columns, on fakes: its token, its place, its fence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload.commands.run import run
from offload.fakes import FAKE_SPEC, FakeWorld
from offload.model.cold_table import Mark, TableState
from offload.model.steps import StepEvent

CHANGES = ("add venue string",)


def world() -> FakeWorld:
    """Three rows are in cold; hot has a fourth, and a column more."""
    made = FakeWorld()
    made.hot.rows = [("a", 1), ("b", 2), ("c", 3)]
    made.clock.time = 100
    assert run(made.adapters(), FAKE_SPEC, "first").rows == 3
    made.hot.rows.append(("d", 50))
    made.lake.behind = CHANGES
    return made


def test_the_commit_has_no_row_and_leaves_watermark_and_coverage() -> None:
    """Its token is new, of the epoch of this run, and between those of the two batches."""
    made = world()
    coverage = made.lake.coverage

    result = run(made.adapters(), FAKE_SPEC, "second", until="1970-01-01T00:00:00.000003Z")
    (first, _), (token, paths) = made.lake.snapshots

    assert (result.exit_code, result.rows, result.schema_changes) == (0, 0, CHANGES), result
    assert (token.rows, token.digest, paths) == (0, 0, ())
    assert (token.watermark_ticks, token.window_from, token.window_to) == (3, 3, 3)
    assert (token.run_id, token.epoch) == ("second", first.epoch + 1)
    assert made.lake.coverage == coverage


def test_it_is_the_last_of_recover_and_comes_before_any_row() -> None:
    """A listener sees the upload of its metadata inside RECOVER."""
    made, events = world(), []

    def listen(event: StepEvent) -> None:
        events.append(str(event))

    assert run(made.adapters(), FAKE_SPEC, "second", listeners=[listen]).rows == 1
    assert events[2:6] == ["before:recover", "at:metadata_written", "after:recover", "before:plan"]
    assert [token.rows for token, _ in made.lake.snapshots] == [3, 0, 1]


def test_a_run_whose_lease_was_lost_does_not_evolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run claims the table after the checks of RECOVER."""
    made, events = world(), []
    marked = made.lake.marked

    def taken_over(state: TableState) -> Mark | None:
        made.watermarks.row = replace(made.watermarks.row, epoch=made.watermarks.row.epoch + 1)
        return marked(state)

    monkeypatch.setattr(made.lake, "marked", taken_over)
    result = run(made.adapters(), FAKE_SPEC, "second", listeners=[lambda event: events.append(str(event))])

    assert (result.exit_code, result.schema_changes) == (75, ()), result
    assert (len(made.lake.snapshots), made.lake.behind) == (1, CHANGES)
    assert "at:metadata_written" not in events


def test_a_run_that_another_one_overtakes_while_it_evolves_is_fenced() -> None:
    """The other one has evolved the table since this one loaded it."""
    made = world()

    def overtaken(event: StepEvent) -> None:
        if str(event) == "at:metadata_written" and len(made.lake.snapshots) == 1:
            token = replace(made.lake.snapshots[-1][0], run_id="other", epoch=7, rows=0, digest=0)
            made.lake.snapshots.append((token, ()))

    result = run(made.adapters(), FAKE_SPEC, "second", listeners=[overtaken])

    assert (result.exit_code, result.error and result.error["kind"]) == (75, "Fenced"), result
    assert (len(made.lake.snapshots), made.lake.behind) == (2, CHANGES)
