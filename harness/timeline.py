"""
The six milestones of a failure, and the durations between them.

    t_inject         the fault is injected
    t_landed         evidence shows that the fault is active
    t_effect         the first probe fails
    t_heal           healing begins
    t_first_success  the first run succeeds after the fault
    t_caught_up      every acknowledged trade has arrived

detection = t_effect - t_inject; outage = t_first_success - t_effect; MTTR = t_first_success - t_heal;
catch-up = t_caught_up - t_heal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.history import History

Points = Sequence[tuple[float, float]]
"""Pairs (seconds since 1970 UTC, value) in the order of time."""


class Milestone(StrEnum):
    """The six milestones, in the order in which they must happen."""

    INJECT = "t_inject"
    LANDED = "t_landed"
    EFFECT = "t_effect"
    HEAL = "t_heal"
    FIRST_SUCCESS = "t_first_success"
    CAUGHT_UP = "t_caught_up"


@dataclass(frozen=True)
class Timeline:
    """
    The first time of each milestone.

    Attributes:
        at: Seconds since 1970 UTC; a milestone that was not recorded is not a key.
    """

    at: Mapping[Milestone, float]

    @classmethod
    def of(cls, history: History) -> Timeline:
        """Read the milestones that a history has recorded."""
        found = ((milestone, history.first(milestone)) for milestone in Milestone)
        return cls({milestone: history.wall(event.at) for milestone, event in found if event})

    @property
    def detection(self) -> float | None:
        """Seconds from t_inject to t_effect; None: one of them is missing."""
        return self._between(Milestone.INJECT, Milestone.EFFECT)

    @property
    def outage(self) -> float | None:
        """Seconds from t_effect to t_first_success; None: one of them is missing."""
        return self._between(Milestone.EFFECT, Milestone.FIRST_SUCCESS)

    @property
    def mttr(self) -> float | None:
        """Seconds from t_heal to t_first_success (mean time to recovery); None: one of them is missing."""
        return self._between(Milestone.HEAL, Milestone.FIRST_SUCCESS)

    @property
    def catch_up(self) -> float | None:
        """Seconds from t_heal to t_caught_up; None: one of them is missing."""
        return self._between(Milestone.HEAL, Milestone.CAUGHT_UP)

    def _between(self, start: Milestone, end: Milestone) -> float | None:
        return self.at[end] - self.at[start] if start in self.at and end in self.at else None

    def seconds(self) -> dict[str, float | None]:
        """Return the milestones in seconds after t_inject, and the durations; None: a milestone is missing."""
        start = self.at.get(Milestone.INJECT)
        times = {milestone.value: self.at.get(milestone) for milestone in Milestone}
        since = {name: None if at is None or start is None else at - start for name, at in times.items()}
        durations = {"detection": self.detection, "outage": self.outage, "mttr": self.mttr, "catch_up": self.catch_up}
        return {name: None if value is None else round(value, 3) for name, value in (since | durations).items()}
