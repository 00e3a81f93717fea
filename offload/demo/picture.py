"""One picture of the demo: rows hot and cold over time, the kill marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Line = Sequence[tuple[float, int]]
"""Moments (seconds since 1970 UTC), oldest first, and the rows from then on."""


def draw(path: Path, hot: Line, cold: Line, killed_at: float) -> None:
    """Write the picture to `path` (PNG), making its folder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    start, end = hot[0][0], max(hot[-1][0], cold[-1][0]) + 1
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for label, line, style in (("hot: ClickHouse", hot, "--"), ("cold: Iceberg, as readers see it", cold, "-")):
        seconds = [0.0, *(moment - start for moment, _ in line), end - start]
        rows = [0, *(rows for _, rows in line), line[-1][1]]
        axes.step(seconds, rows, where="post", label=label, linestyle=style, linewidth=2)
    axes.axvline(killed_at - start, color="crimson", linestyle=":", linewidth=2, label="kill -9 in mid write")
    axes.set(
        title="Exactly once across a kill",
        xlabel="seconds",
        ylabel="trades",
        xlim=(0, end - start),
        ylim=(0, hot[-1][1] * 1.1),
    )
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
