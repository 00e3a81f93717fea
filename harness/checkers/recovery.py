"""The recovery checker: the fault struck, was felt and was mended, and everything was back in time."""

from __future__ import annotations

from itertools import pairwise

from harness.timeline import Milestone, Timeline
from harness.verdict import Finding, Violation, finding, unknown

NAME = "recovery"


def check_recovery(timeline: Timeline, seconds: float) -> Finding:
    """
    Judge that the moments happened in their order, and that recovery took no longer than promised.

    Args:
        timeline: The moments.
        seconds: The target: from the mending to the first success, and again from there until all trades had arrived.

    Returns:
        The count is of targets missed and of moments out of order. UNKNOWN where a moment is missing: a fault that
        never landed, or a recovery that nobody waited for, proves nothing.
    """
    missing = [moment.value for moment in Milestone if moment not in timeline.at]
    if missing:
        return unknown(NAME, f"never recorded: {', '.join(missing)}")
    offences = [*_disorder(timeline), *_lateness(timeline, seconds)]
    mttr, outage, caught_up = timeline.mttr, timeline.outage, timeline.catch_up
    message = (
        f"back within {seconds:g} s; MTTR {mttr:.2f} s, outage {outage:.2f} s, all arrived after {caught_up:.2f} s"
    )
    return finding(NAME, message, offences)


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
