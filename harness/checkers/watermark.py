"""The watermark checker: a table's watermark never moves backwards."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from harness.verdict import Finding, Violation, finding, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "watermark"
ENOUGH = 2


def check_watermark(observed: Sequence[int | None]) -> Finding:
    """
    Check watermarks in the order in which they were observed.

    Args:
        observed: Ticks of the source column (or any one unit); None: the table had no watermark.

    Returns:
        The count is of steps backwards; None after a value is one. UNKNOWN with fewer than two observations: it takes
        two to see a movement.
    """
    if len(observed) < ENOUGH:
        return unknown(NAME, f"{len(observed)} observations: it takes {ENOUGH} to see a movement")
    steps = enumerate(pairwise(observed), start=1)
    violations = [_step(number, before, after) for number, (before, after) in steps if _backwards(before, after)]
    return finding(NAME, f"the watermark never moves backwards; {len(observed)} observations", violations)


def _backwards(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after < before)


def _step(number: int, before: int | None, after: int | None) -> Violation:
    decrease = float("inf") if before is None or after is None else before - after
    return Violation(f"observation {number}: from {before} back to {after}", decrease)
