"""The benchmark's picture: wall time and peak memory of each contender in each case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from figures import Line
from report import REPORTS

COLOURS = {"ours": "#1f6f8b", "spark": "#d98324", "dlt": "#8a8a8a"}


def draw(lines: Sequence[Line], path: Path = REPORTS / "bench-stack.png") -> None:
    """Draw two panels of horizontal bars: seconds and MB, shorter is better; each bar has its figure."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(12, 0.5 * len(lines) + 1.5), sharey=True, layout="constrained")
    names = [f"{line.case.schema}, {line.case.words}: {line.contender}" for line in lines]
    colours = [COLOURS[line.contender] for line in lines]
    for panel, title, values in (
        (panels[0], "median wall time, s", [line.seconds for line in lines]),
        (panels[1], "peak memory, MB", [line.peak_mb for line in lines]),
    ):
        panel.bar_label(panel.barh(names, values, color=colours), fmt="{:,g}", padding=3)
        panel.set_title(title)
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
