"""The protocol on fakes: any order of arrivals, duplicates, late rows, clock ticks, new columns, runs and kills."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.commands.run import run as offload_run
from offload.fakes import FAKE_SPEC, FakeWorld
from offload.model.steps import STEP_EVENTS, Event, Step, StepEvent


class Killed(BaseException):
    """The process was killed: no code runs after it, and the lease is not released."""


class KillAt:
    """Ends the run at the nth event of that name."""

    def __init__(self, event: str, nth: int) -> None:
        self.event = event
        self.left = nth

    def __call__(self, event: StepEvent) -> None:
        """Count the events, and end the run at the nth."""
        if str(event) == self.event:
            self.left -= 1
            if self.left == 0:
                raise Killed


def run(world: FakeWorld, kill: KillAt | None = None) -> None:
    """One run that succeeds, or that leaves everything as a killed process does."""
    before = world.watermarks.row
    try:
        result = offload_run(world.adapters(), FAKE_SPEC, "run", listeners=[kill] if kill else [])
    except Killed:
        # a killed process records nothing: undo what `record` wrote when the exception passed
        world.watermarks.row = replace(world.watermarks.row, watermark=before.watermark, owner="a killed run")
        world.watermarks.dead = True
    else:
        assert result.error is None, result.error


arrivals = st.tuples(st.just("row"), st.integers(0, 12), st.integers(0, 30))
again = st.tuples(st.just("again"), st.integers(0, 40), st.just(0))
tick = st.tuples(st.just("tick"), st.integers(1, 10), st.just(0))
column = st.tuples(st.just("column"), st.just(0), st.just(0))
runs = st.tuples(st.just("run"), st.just(0), st.just(0))
kills = st.tuples(st.sampled_from(STEP_EVENTS), st.integers(1, 3), st.just(0))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(arrivals, arrivals, again, tick, column, runs, kills), max_size=40))
def test_no_order_of_arrivals_and_kills_loses_or_repeats_a_row(actions: list[tuple[str, int, int]]) -> None:
    """I1, I3, I4 and I5 hold after every run that succeeds, whichever run was killed before it."""
    world = FakeWorld(batch_rows=3)
    for number, (what, first, second) in enumerate(actions):
        if what == "row":
            world.hot.rows.append((f"k{number}", world.clock.time + first - second))
        elif what == "again" and world.hot.rows:
            world.hot.rows.append(world.hot.rows[first % len(world.hot.rows)])
        elif what == "tick":
            world.clock.time += first
        elif what == "column":
            world.lake.behind = (f"add c{number} string",)
        elif what == "run" or what in STEP_EVENTS:
            run(world, KillAt(what, first) if what in STEP_EVENTS else None)
    run(world)
    marks = [token.watermark_ticks for token, _ in world.lake.snapshots if token.watermark_ticks is not None]
    cold = Counter(world.lake.rows())
    published = marks[-1] if marks else None
    expected = {row for row in world.hot.rows if published is not None and row[1] <= published}

    assert world.lake.behind == (), "the columns of cold are those of hot"
    assert all(count == 1 for count in cold.values()), "I1: a key occurs twice"
    assert all(before <= after for before, after in pairwise(marks)), "I4: the watermark went back"
    assert set(cold) <= set(world.hot.rows), "I2: a row that hot never had"
    assert expected - set(cold) == set(), "I3: rows at or below the watermark are missing, and the last run swept"


@pytest.mark.parametrize("event", STEP_EVENTS)
def test_after_a_kill_at_any_event_the_next_run_publishes_the_rest(event: str) -> None:
    """Three batches: each is in cold once after a kill and one more run."""
    world = FakeWorld(batch_rows=3)
    world.hot.rows = [(f"k{number}", number) for number in range(9)]
    world.clock.time = 100
    run(world, KillAt(event, 1))
    run(world)

    assert sorted(world.lake.rows()) == sorted(world.hot.rows)
    assert world.watermarks.row.watermark.ticks == 8
    assert world.watermarks.row.owner is None


def test_every_event_is_emitted_in_the_order_of_the_protocol() -> None:
    """Listeners get an event before and after each step, and the events inside WRITE and PUBLISH."""
    world = FakeWorld(batch_rows=100)
    world.hot.rows = [("a", 1), ("b", 2)]
    world.clock.time = 100
    events: list[str] = []
    offload_run(world.adapters(), FAKE_SPEC, "run", listeners=[lambda event: events.append(str(event))])
    steps = [name for step in Step for name in (f"before:{step}", f"after:{step}")]

    assert [name for name in events if not name.startswith("at:")] == steps
    inside = ["before:write", *(f"at:{e}" for e in (Event.SPLIT_STARTED, Event.FILE_WRITTEN)), "after:write"]
    assert events[events.index("before:write") : events.index("after:write") + 1] == inside
    assert events[events.index("before:publish") + 1] == f"at:{Event.METADATA_WRITTEN}"


def test_a_second_run_gets_the_owner_of_the_lease_while_the_first_runs() -> None:
    """Exit 75, and nothing is published."""
    world = FakeWorld()
    world.hot.rows = [("a", 1)]
    world.clock.time = 100
    with world.watermarks.claim("trades", "the first"):
        result = offload_run(world.adapters(), FAKE_SPEC, "second")

    assert result.exit_code == 75
    assert result.error is not None
    assert "the first" in result.error["found"]
    assert world.lake.snapshots == []


def test_three_thousand_quarter_hours_leave_a_small_coverage() -> None:
    """A month: its size follows the days and the hours of the last three, not the commits."""
    world = FakeWorld(batch_rows=10)
    quarter = 900 * 10**6
    for number in range(3000):
        world.hot.rows = [(f"k{number - back}", (number - back) * quarter) for back in range(min(number, 50), -1, -1)]
        world.clock.time = number * quarter
        run(world)
    coverage = world.lake.coverage

    assert len(world.lake.snapshots) == 3000
    assert len(coverage.buckets) <= 3 + 4 * 24, "buckets of days that hot has no more are kept"
    assert len(coverage.dumps()) < 8000


def test_a_run_whose_heartbeat_found_another_run_does_not_try_to_publish() -> None:
    """Another run has claimed the table since; the fence of the commit would find only what it has published."""
    world = FakeWorld(batch_rows=3)
    world.hot.rows = [(f"k{number}", number) for number in range(9)]
    world.clock.time = 100
    seen: list[str] = []

    def taken_over(event: StepEvent) -> None:
        seen.append(str(event))
        if seen[-1] == "after:verify":
            world.watermarks.row = replace(world.watermarks.row, epoch=world.watermarks.row.epoch + 1)

    result = offload_run(world.adapters(), FAKE_SPEC, "first", listeners=[taken_over])

    assert (result.exit_code, result.error and result.error["kind"]) == (75, "Fenced"), result
    assert "before:publish" not in seen
    assert world.lake.snapshots == []
