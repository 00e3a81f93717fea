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
    from pathlib import Path

    from harness.history import History

Points = Sequence[tuple[float, float]]
"""(seconds since 1970 UTC, value) in the order of time."""


class Moment(StrEnum):
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

    at: Mapping[Moment, float]

    @classmethod
    def of(cls, history: History) -> Timeline:
        """The moments that were recorded."""
        found = ((moment, history.first(moment)) for moment in Moment)
        return cls({moment: history.wall(event.at) for moment, event in found if event})

    @property
    def detection(self) -> float | None:
        """Seconds from the fault to the first failed probe."""
        return self._between(Moment.INJECT, Moment.EFFECT)

    @property
    def outage(self) -> float | None:
        """Seconds from the first failed probe to the first success."""
        return self._between(Moment.EFFECT, Moment.FIRST_SUCCESS)

    @property
    def mttr(self) -> float | None:
        """Seconds from the mending to the first success."""
        return self._between(Moment.HEAL, Moment.FIRST_SUCCESS)

    @property
    def catch_up(self) -> float | None:
        """Seconds from the mending until every acknowledged trade had arrived."""
        return self._between(Moment.HEAL, Moment.CAUGHT_UP)

    def _between(self, start: Moment, end: Moment) -> float | None:
        return self.at[end] - self.at[start] if start in self.at and end in self.at else None

    def seconds(self) -> dict[str, float | None]:
        """Moments in seconds after t_inject, and what they say; None: never happened."""
        start = self.at.get(Moment.INJECT)
        moments = {moment.value: self.at.get(moment) for moment in Moment}
        since = {name: None if at is None or start is None else at - start for name, at in moments.items()}
        told = {"detection": self.detection, "outage": self.outage, "mttr": self.mttr, "catch_up": self.catch_up}
        return {name: None if value is None else round(value, 3) for name, value in (since | told).items()}


def draw(title: str, timeline: Timeline, rows: Mapping[str, Points], path: Path) -> None:
    """
    Draw rows per tier and their lag over the seconds since the fault, the fault shaded, as PNG.

    Args:
        title: What was played.
        timeline: The moments; marked where they happened.
        rows: For each tier, the more downstream the later, how many rows it had from when on.
        path: The picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    figure.suptitle(title, fontsize="small")
    start = timeline.at.get(Moment.INJECT, 0.0)
    for name, points in rows.items():
        above.step([at - start for at, _ in points], [value for _, value in points], where="post", label=name)
    tiers = list(rows.items())
    for (name, points), (before, upstream) in zip(tiers[1:], tiers, strict=False):
        behind = lag(upstream, points)
        label = f"{name} behind {before}"
        below.step([at - start for at, _ in behind], [value for _, value in behind], where="post", label=label)
    above.set_ylabel("trades")
    below.set_ylabel("lag in trades")
    below.set_xlabel("seconds since the fault")
    for axes in (above, below):
        _marked(axes, timeline, start)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="upper left", fontsize="small") if axes.get_legend_handles_labels()[0] else None
    figure.savefig(path, dpi=100, metadata={"Software": None})


def lag(upstream: Points, downstream: Points) -> list[tuple[float, float]]:
    """
    How many rows the second is behind the first, whenever either changes; a tier that has said nothing has none.

    A row may arrive before its producer hears that it was taken: that is no lag.
    """
    behind, values = [], [0.0, 0.0]
    changes = [(at, 0, value) for at, value in upstream] + [(at, 1, value) for at, value in downstream]
    for at, which, value in sorted(changes):
        values[which] = value
        behind.append((at, max(0.0, values[0] - values[1])))
    return behind


def _marked(axes: object, timeline: Timeline, start: float) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)  # noqa: S101 - matplotlib hands out arrays of them
    struck, healed = (timeline.at.get(moment) for moment in (Moment.INJECT, Moment.HEAL))
    if struck is not None and healed is not None:
        axes.axvspan(struck - start, healed - start, color="tab:red", alpha=0.12)
    for moment, at in timeline.at.items():
        axes.axvline(at - start, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(
            moment.value, (at - start, 1), xycoords=("data", "axes fraction"), rotation=90, fontsize=6, va="top"
        )
