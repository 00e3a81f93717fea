"""The protocol on fakes: any order of arrivals, duplicates, late rows, ticks of the clock, runs and deaths."""

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


class Died(BaseException):
    """The process is gone: nothing after it runs, no lease is given back."""


class DieAt:
    """Dies at the nth moment of that name."""

    def __init__(self, moment: str, nth: int) -> None:
        self.moment = moment
        self.left = nth

    def __call__(self, moment: StepEvent) -> None:
        """Count, and die when it is time."""
        if str(moment) == self.moment:
            self.left -= 1
            if self.left == 0:
                raise Died


def run(world: FakeWorld, death: DieAt | None = None) -> None:
    """One run that succeeds, or dies and leaves everything as a killed process does."""
    before = world.watermarks.row
    try:
        result = offload_run(world.adapters(), FAKE_SPEC, "run", listeners=[death] if death else [])
    except Died:
        # a killed process records nothing: what `record` wrote on the way out is taken back
        world.watermarks.row = replace(world.watermarks.row, watermark=before.watermark, owner="the dead")
        world.watermarks.dead = True
    else:
        assert result.error is None, result.error


arrivals = st.tuples(st.just("row"), st.integers(0, 12), st.integers(0, 30))
again = st.tuples(st.just("again"), st.integers(0, 40), st.just(0))
tick = st.tuples(st.just("tick"), st.integers(1, 10), st.just(0))
runs = st.tuples(st.just("run"), st.just(0), st.just(0))
deaths = st.tuples(st.sampled_from(STEP_EVENTS), st.integers(1, 3), st.just(0))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(arrivals, arrivals, again, tick, runs, deaths), max_size=40))
def test_no_order_of_arrivals_and_deaths_loses_or_repeats_a_row(actions: list[tuple[str, int, int]]) -> None:
    """I1, I3, I4 and I5 hold after every run that succeeds, whatever died before it."""
    world = FakeWorld(batch_rows=3)
    marks: list[int] = []
    for number, (what, first, second) in enumerate(actions):
        if what == "row":
            world.hot.rows.append((f"k{number}", world.clock.time + first - second))
        elif what == "again" and world.hot.rows:
            world.hot.rows.append(world.hot.rows[first % len(world.hot.rows)])
        elif what == "tick":
            world.clock.time += first
        elif what == "run" or what in STEP_EVENTS:
            run(world, DieAt(what, first) if what in STEP_EVENTS else None)
        marks += [token.watermark_ticks or 0 for token, _ in world.lake.snapshots[len(marks) :]]
    run(world)
    marks += [token.watermark_ticks or 0 for token, _ in world.lake.snapshots[len(marks) :]]
    cold = Counter(world.lake.rows())
    published = marks[-1] if marks else None
    expected = {row for row in world.hot.rows if published is not None and row[1] <= published}

    assert all(count == 1 for count in cold.values()), "I1: a key occurs twice"
    assert all(before <= after for before, after in pairwise(marks)), "I4: the watermark went back"
    assert set(cold) <= set(world.hot.rows), "I2: a row that hot never held"
    late = expected - set(cold)
    counted = offload_run(world.adapters(), FAKE_SPEC, "count").late_rows
    look_back_covers_all = counted == len(late)
    assert look_back_covers_all, f"I3: {len(late)} rows at or below the watermark are missing, {counted} counted"


@pytest.mark.parametrize("moment", STEP_EVENTS)
def test_whatever_moment_a_run_dies_at_the_next_one_finishes_its_rows(moment: str) -> None:
    """Three batches: each is in cold once after a death and one more run."""
    world = FakeWorld(batch_rows=3)
    world.hot.rows = [(f"k{number}", number) for number in range(9)]
    world.clock.time = 100
    run(world, DieAt(moment, 1))
    run(world)

    assert sorted(world.lake.rows()) == sorted(world.hot.rows)
    assert world.watermarks.row.watermark.ticks == 8
    assert world.watermarks.row.owner is None


def test_every_moment_is_told_in_the_order_of_the_protocol() -> None:
    """Listeners hear each step before and after, and the events inside WRITE and PUBLISH."""
    world = FakeWorld(batch_rows=100)
    world.hot.rows = [("a", 1), ("b", 2)]
    world.clock.time = 100
    heard: list[str] = []
    offload_run(world.adapters(), FAKE_SPEC, "run", listeners=[lambda moment: heard.append(str(moment))])
    steps = [name for step in Step for name in (f"before:{step}", f"after:{step}")]

    assert [name for name in heard if not name.startswith("at:")] == steps
    inside = ["before:write", *(f"at:{e}" for e in (Event.SPLIT_STARTED, Event.FILE_WRITTEN)), "after:write"]
    assert heard[heard.index("before:write") : heard.index("after:write") + 1] == inside
    assert heard[heard.index("before:publish") + 1] == f"at:{Event.METADATA_WRITTEN}"


def test_a_second_run_while_the_first_lives_is_told_who_has_the_lease() -> None:
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
