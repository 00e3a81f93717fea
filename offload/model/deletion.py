"""Published rows that hot has lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from offload.model.windows import DAY, EPOCH, HOUR


@dataclass(frozen=True)
class Deletion:
    """
    Published rows that hot has lost since the last comparison although their TTL has not passed, within one span.

    Attributes:
        first: The first second of the span since 1970 UTC.
        end: The second after its last one.
        rows: Their number.
        emptied: Whether hot has no row left in the span.
    """

    first: int
    end: int
    rows: int
    emptied: bool = False

    def __str__(self) -> str:
        days = self.first % DAY == self.end % DAY == 0
        last = self.end - (DAY if days else HOUR)
        ends = dict.fromkeys(_time(second, days=days) for second in (self.first, last))
        return f"{' to '.join(ends)} ({self.rows}{', no row is left' if self.emptied else ''})"


def _time(second: int, *, days: bool) -> str:
    time = EPOCH + timedelta(seconds=second)
    return time.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%HZ")
