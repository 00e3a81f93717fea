"""
The six moments of a failure, and what they say about it.

    t_inject         the fault was asked for
    t_landed         it struck, by evidence
    t_effect         the first probe that failed
    t_heal           somebody began to mend it
    t_first_success  what had failed works again
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
"""(seconds since 1970 UTC, value) in the order of time."""


class Milestone(StrEnum):
    """The six moments, in the order in which they must happen."""

    INJECT = "t_inject"
    LANDED = "t_landed"
    EFFECT = "t_effect"
    HEAL = "t_heal"
    FIRST_SUCCESS = "t_first_success"
    CAUGHT_UP = "t_caught_up"


@dataclass(frozen=True)
class Timeline:
    """
    When each moment happened first.

    Attributes:
        at: Seconds since 1970 UTC; a moment that never happened is missing.
    """

    at: Mapping[Milestone, float]

    @classmethod
    def of(cls, history: History) -> Timeline:
        """The moments that were recorded."""
        found = ((moment, history.first(moment)) for moment in Milestone)
        return cls({moment: history.wall(event.at) for moment, event in found if event})

    @property
    def detection(self) -> float | None:
        """Seconds from the fault to the first failed probe."""
        return self._between(Milestone.INJECT, Milestone.EFFECT)

    @property
    def outage(self) -> float | None:
        """Seconds from the first failed probe to the first success."""
        return self._between(Milestone.EFFECT, Milestone.FIRST_SUCCESS)

    @property
    def mttr(self) -> float | None:
        """Seconds from the mending to the first success."""
        return self._between(Milestone.HEAL, Milestone.FIRST_SUCCESS)

    @property
    def catch_up(self) -> float | None:
        """Seconds from the mending until every acknowledged trade had arrived."""
        return self._between(Milestone.HEAL, Milestone.CAUGHT_UP)

    def _between(self, start: Milestone, end: Milestone) -> float | None:
        return self.at[end] - self.at[start] if start in self.at and end in self.at else None

    def seconds(self) -> dict[str, float | None]:
        """Moments in seconds after t_inject, and what they say; None: never happened."""
        start = self.at.get(Milestone.INJECT)
        moments = {moment.value: self.at.get(moment) for moment in Milestone}
        since = {name: None if at is None or start is None else at - start for name, at in moments.items()}
        told = {"detection": self.detection, "outage": self.outage, "mttr": self.mttr, "catch_up": self.catch_up}
        return {name: None if value is None else round(value, 3) for name, value in (since | told).items()}
