from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkers.recovery import check_recovery
from harness.history import History
from harness.reports.chart import draw, lag
from harness.timeline import Milestone, Timeline
from harness.verdict import Verdict

COMPLETE = dict(zip(Milestone, (100.0, 101.0, 102.0, 110.0, 115.0, 120.0), strict=True))


def without(milestone: Milestone) -> Timeline:
    """The complete timeline without one milestone."""
    return Timeline({name: at for name, at in COMPLETE.items() if name is not milestone})


def test_a_sound_recovery_passes_and_tells_its_times() -> None:
    """MTTR from the mending, outage from the first failed probe, detection from the fault."""
    timeline = Timeline(COMPLETE)

    finding = check_recovery(timeline, seconds=60)

    assert finding.verdict is Verdict.PASS
    assert (timeline.mttr, timeline.outage, timeline.detection, timeline.catch_up) == (5, 13, 2, 10)
    assert "MTTR 5.00 s, outage 13.00 s" in finding.message


@pytest.mark.parametrize("milestone", Milestone)
def test_a_moment_that_was_never_recorded_is_unknown(milestone: Milestone) -> None:
    """Above all a fault that never landed: a run without it proves nothing."""
    finding = check_recovery(without(milestone), seconds=60)

    assert finding.verdict is Verdict.UNKNOWN
    assert milestone in finding.message


@pytest.mark.parametrize(("seconds", "late"), [(5, []), (4.9, ["the first success", "the last trade"])])
def test_a_recovery_later_than_promised_is_found(seconds: float, late: list[str]) -> None:
    """Five seconds to the first success, five more to the last trade."""
    finding = check_recovery(Timeline(COMPLETE), seconds)

    assert finding.count == len(late)
    assert [finding.first is None, finding.verdict is Verdict.FAIL] == [not late, bool(late)]


def test_a_success_before_the_mending_is_found() -> None:
    """Then healing was not the cause of the recovery, or the fault had no effect."""
    finding = check_recovery(Timeline({**COMPLETE, Milestone.FIRST_SUCCESS: 105.0}), seconds=60)

    assert (finding.verdict, finding.count) == (Verdict.FAIL, 1)
    assert "t_first_success came 5.000 s before t_heal" in str(finding.first)


def test_moments_are_the_first_of_their_name_on_the_wall_clock() -> None:
    """A second success is not the first; other events are no milestones."""
    ticks = iter(float(one) for one in range(10))
    history = History(lambda: next(ticks))
    for name in (Milestone.INJECT, "something", Milestone.LANDED, Milestone.FIRST_SUCCESS, Milestone.FIRST_SUCCESS):
        history.record(name)

    timeline = Timeline.of(history)

    assert timeline.seconds()["t_first_success"] == 3
    assert timeline.seconds()["t_heal"] is None
    assert set(timeline.at) == {Milestone.INJECT, Milestone.LANDED, Milestone.FIRST_SUCCESS}


def test_lag_is_what_the_upstream_tier_has_more() -> None:
    """It changes with either; before its first point, a tier has no rows."""
    assert lag([(1, 10), (3, 30)], [(2, 12), (4, 25)]) == [(1, 10), (2, 0), (3, 18), (4, 5)]


def test_a_picture_is_drawn_also_of_a_fault_that_never_landed(tmp_path: Path) -> None:
    """Above all then somebody will look at it."""
    rows = {"acked": [(100.0, 0), (119.0, 50)], "hot": [(100.0, 0), (119.5, 50)], "cold": []}

    for name, timeline in {"sound": Timeline(COMPLETE), "never": Timeline({})}.items():
        draw(name, timeline, rows, tmp_path / f"{name}.png")

    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2
