"""The chart of a failure mode: rows per tier and their lag, the time of the fault shaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.timeline import Milestone, Points, Timeline

if TYPE_CHECKING:
    from pathlib import Path


def draw(title: str, timeline: Timeline, rows: Mapping[str, Points], path: Path) -> None:
    """
    Draw rows per tier and their lag over the seconds since the fault, the fault shaded, as PNG.

    Args:
        title: The name of the test.
        timeline: The milestones, each with a mark.
        rows: For each tier, the more downstream the later, how many rows it had from when on.
        path: The picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    figure.suptitle(title, fontsize="small")
    start = timeline.at.get(Milestone.INJECT, 0.0)
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
    Number of rows that the second has less than the first, at each change of either; a tier without points has none.

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
    start_of_fault, healed = (timeline.at.get(milestone) for milestone in (Milestone.INJECT, Milestone.HEAL))
    if start_of_fault is not None and healed is not None:
        axes.axvspan(start_of_fault - start, healed - start, color="tab:red", alpha=0.12)
    for milestone, at in timeline.at.items():
        axes.axvline(at - start, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(
            milestone.value, (at - start, 1), xycoords=("data", "axes fraction"), rotation=90, fontsize=6, va="top"
        )
