"""The chart of the demo: trades in ClickHouse and in Iceberg over time, with the time of the kill."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

RowHistory = Sequence[tuple[float, int]]
"""Points, oldest first: a time (seconds since 1970 UTC) and the number of rows from that time on."""


def draw(path: Path, hot: RowHistory, cold: RowHistory, killed_at: float) -> None:
    """Write the chart to `path` (PNG); create its folder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    start, end = hot[0][0], max(hot[-1][0], cold[-1][0]) + 1
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for label, history, style in (("hot: ClickHouse", hot, "--"), ("cold: Iceberg, as readers see it", cold, "-")):
        seconds = [0.0, *(time - start for time, _ in history), end - start]
        rows = [0, *(rows for _, rows in history), history[-1][1]]
        axes.step(seconds, rows, where="post", label=label, linestyle=style, linewidth=2)
    axes.axvline(killed_at - start, color="crimson", linestyle=":", linewidth=2, label="kill -9 during a write")
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
