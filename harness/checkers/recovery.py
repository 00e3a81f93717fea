"""The recovery checker: the fault was active, observable and healed, and the recovery was in time."""

from __future__ import annotations

from itertools import pairwise

from harness.timeline import Milestone, Timeline
from harness.verdict import Finding, Violation, finding, unknown

NAME = "recovery"


def check_recovery(timeline: Timeline, seconds: float) -> Finding:
    """
    Check that the milestones are in their order, and that the recovery took no longer than its target.

    Args:
        timeline: The milestones.
        seconds: The target, from t_heal to the first success, and from there until all trades have arrived.

    Returns:
        The count is of targets missed and of milestones out of order. UNKNOWN where a milestone is missing: a fault
        that was never active, or a recovery without an end, proves nothing.
    """
    missing = [milestone.value for milestone in Milestone if milestone not in timeline.at]
    if missing:
        return unknown(NAME, f"never recorded: {', '.join(missing)}")
    violations = [*_disorder(timeline), *_lateness(timeline, seconds)]
    mttr, outage, caught_up = timeline.mttr, timeline.outage, timeline.catch_up
    message = (
        f"back within {seconds:g} s; MTTR {mttr:.2f} s, outage {outage:.2f} s, all arrived after {caught_up:.2f} s"
    )
    return finding(NAME, message, violations)


def _disorder(timeline: Timeline) -> list[Violation]:
    pairs = ((before, after, timeline.at[before] - timeline.at[after]) for before, after in pairwise(Milestone))
    return [
        Violation(f"{after} came {early:.3f} s before {before}", early) for before, after, early in pairs if early > 0
    ]


def _lateness(timeline: Timeline, seconds: float) -> list[Violation]:
    at = timeline.at
    spans = (
        ("the first success", at[Milestone.FIRST_SUCCESS] - at[Milestone.HEAL]),
        ("the last trade", at[Milestone.CAUGHT_UP] - at[Milestone.FIRST_SUCCESS]),
    )
    return [
        Violation(f"{what} took {took:.2f} s, {seconds:g} s at most", took) for what, took in spans if took > seconds
    ]
