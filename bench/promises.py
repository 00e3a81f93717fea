"""The figures that the offload must reach beside the baselines, as ratios of one run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from figures import DLT, OURS, SPARK, Case, Line

MOVED, MOVED_LARGE = Case("bench", 3_800_000), Case("bench", 20_000_000)
FOLLOWING = Case("bench", 10_000, before=3_800_000)
FASTER = [(MOVED, SPARK, 6), (MOVED, DLT, 2), (MOVED_LARGE, SPARK, 6), (FOLLOWING, SPARK, 3)]
Measured = Mapping[tuple[Case, str], Line]


@dataclass(frozen=True)
class Promise:
    """One figure: at least, or at most, `bound`."""

    text: str
    found: float
    bound: float
    at_least: bool = True

    @property
    def kept(self) -> bool:
        """Whether what was found is within the bound."""
        return self.found >= self.bound if self.at_least else self.found <= self.bound


def promises(lines: Sequence[Line]) -> list[Promise]:
    """The promises that the lines can check: none in a trial with fewer rows."""
    of = {(line.case, line.contender): line for line in lines}
    return [*_ratios(of), *_peaks(of), *_speeds(of)]


def _ratios(of: Measured) -> list[Promise]:
    measured = [(case, other, of.get((case, other)), bound) for case, other, bound in FASTER]
    return [
        Promise(f"{case.words}: times as fast as {other}", line.times_ours, bound)
        for case, other, line, bound in measured
        if line and line.times_ours is not None
    ]


def _peaks(of: Measured) -> list[Promise]:
    peaks = {case: of[case, OURS].peak_mb for case in (MOVED, MOVED_LARGE) if (case, OURS) in of}
    found = [Promise(f"{case.words}: peak MB", peak, 600, at_least=False) for case, peak in peaks.items()]
    if len(peaks) > 1:
        grown = round(peaks[MOVED_LARGE] / peaks[MOVED], 2)
        text = f"{MOVED_LARGE.words}: peak beside that of {MOVED.words}"
        found.append(Promise(text, grown, 1.15, at_least=False))
    return found


def _speeds(of: Measured) -> list[Promise]:
    large, following = of.get((MOVED_LARGE, OURS)), of.get((FOLLOWING, OURS))
    rate = [Promise(f"{MOVED_LARGE.words}: rows/s", large.rows_per_second, 1_400_000)] if large else []
    wait = [Promise(f"{FOLLOWING.words}: seconds", following.seconds, 2.5, at_least=False)] if following else []
    return rate + wait
