"""What ports are asked and what they answer, beside the nouns of the protocol itself."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offload.model.cold_table import Seen, Window


@dataclass(frozen=True)
class Survey:
    """Raw rows of a window, duplicates included, and how many of them are odd."""

    rows: int
    without_timestamp: int
    possibly_expired: int


@dataclass(frozen=True)
class Late:
    """Which hot rows may be late: of the window, and arrived at or after `since` (microseconds UTC; None: whenever)."""

    window: Window
    since: int | None


@dataclass(frozen=True)
class Difference:
    """Hot against cold over a stretch of time, in rows; on the hot side a key counts once."""

    hot_rows: int
    cold_rows: int
    missing: int
    extra: int
    different: int


@dataclass(frozen=True)
class Catchup:
    """The Iceberg table's value, which the store follows. `timestamp` is UTC; all None: nothing was published yet."""

    ticks: int | None
    timestamp: datetime | None
    sequence: int | None
    table_uuid: str | None


@dataclass(frozen=True)
class Outcome:
    """How a run of one table ended; `status` is success, failed or repaired, counts are those of the run's report."""

    status: str
    catchup: Catchup | None
    rows: int = 0
    seconds: float = 0.0
    error: str | None = None
    counts: tuple[tuple[str, int | None], ...] = ()


@dataclass(frozen=True)
class Reading:
    """
    The rows of a piece, on their way.

    Attributes:
        batches: `pyarrow.RecordBatch` after `pyarrow.RecordBatch`; may be taken once, and must be closed.
        seen: What the source says that it sent. To be asked when the batches have been taken to the end.
    """

    batches: Generator[Any]
    seen: Callable[[], Seen]
