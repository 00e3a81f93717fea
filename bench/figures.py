"""What the measured lines amount to: medians, ratios, and what was promised of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

OURS, SPARK, DLT = "ours", "spark", "dlt"


@dataclass(frozen=True)
class Case:
    """What is moved: `rows` rows of a schema, on top of `before` that were moved already."""

    schema: str
    rows: int
    before: int = 0

    @property
    def words(self) -> str:
        """How it is called in tables: `10,000 new rows`."""
        return f"{self.rows:,} {'new ' if self.before else ''}rows"


@dataclass(frozen=True)
class Run:
    """One measured process."""

    case: Case
    contender: str
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Line:
    """
    All runs of one contender in one case: medians, and each wall time.

    `times_ours` is the ratio of its median wall time to ours, None where ours was not measured.
    """

    case: Case
    contender: str
    seconds: float
    rows_per_second: int
    peak_mb: int
    each_seconds: list[float]
    times_ours: float | None

    def document(self) -> dict[str, Any]:
        """The text in the report."""
        fields = asdict(self)
        return fields.pop("case") | fields


def lines(runs: Sequence[Run]) -> list[Line]:
    """One line per case and contender, in the order in which they were first run; ratios are of median wall times."""
    groups: dict[tuple[Case, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.case, run.contender), []).append(run)
    seconds = {key: median(run.seconds for run in group) for key, group in groups.items()}
    return [
        Line(
            case,
            contender,
            round(seconds[case, contender], 2),
            round(case.rows / seconds[case, contender]),
            round(median(run.peak_mb for run in group)),
            [round(run.seconds, 2) for run in group],
            round(seconds[case, contender] / seconds[case, OURS], 2) if (case, OURS) in seconds else None,
        )
        for (case, contender), group in groups.items()
    ]
