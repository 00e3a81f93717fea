"""The view checker: did every read of a view of both tiers find each trade, and find it once?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.verdict import Finding, Violation, finding, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ViewRead:
    """
    One query of a view.

    Attributes:
        at: Seconds on the monotonic clock, when it was sent.
        required: Ids that were in hot or in an earlier read of the view by then.
        found: An id per row of the answer.
    """

    at: float
    required: frozenset[str]
    found: tuple[str, ...]


def check_view(reads: Sequence[ViewRead]) -> tuple[Finding, Finding]:
    """Check `view_once`: no read has an id twice; and `view_whole`: each read has every id that was required."""
    if not any(read.required for read in reads):
        missing = f"{len(reads)} reads of the view, and none that had to find a trade"
        return unknown("view_once", missing), unknown("view_whole", missing)
    began, twice, lost = reads[0].at, [], []
    for read in reads:
        counts = Counter(read.found)
        when = f"{read.at - began:.3f} s after the first read"
        if doubled := [one for one, times in counts.items() if times > 1]:
            twice.append(Violation(f"{len(doubled)} trades twice, such as {doubled[0]}, {when}", len(doubled)))
        if missing_ids := sorted(read.required - counts.keys()):
            lost.append(
                Violation(f"{len(missing_ids)} trades missing, such as {missing_ids[0]}, {when}", len(missing_ids))
            )
    checked = f"{len(reads)} reads of the view, of {max(len(read.required) for read in reads)} trades at most"
    return finding("view_once", checked, twice), finding("view_whole", checked, lost)
