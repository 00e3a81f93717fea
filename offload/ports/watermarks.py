"""What ports are asked and what they answer, beside the nouns of the protocol itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class TableWatermark:
    """The Iceberg table's value, which the store follows. `timestamp` is UTC; all None: nothing was published yet."""

    ticks: int | None
    timestamp: datetime | None
    sequence: int | None
    table_uuid: str | None


@dataclass(frozen=True)
class RunOutcome:
    """How a run of one table ended; `status` is success, failed or repaired, counts are those of the run's report."""

    status: str
    catchup: TableWatermark | None
    rows: int = 0
    seconds: float = 0.0
    error: str | None = None
    counts: tuple[tuple[str, int | None], ...] = ()


class Lease(Protocol):
    """A claimed table: alive as long as its heartbeat is young and its lock held. Every write says `epoch = mine`."""

    epoch: int

    def raise_epoch(self, above: int) -> None:
        """
        Make the epoch larger than one seen in the Iceberg table.

        Raises:
            Fenced: Another run took the table over.
        """

    def check(self) -> None:
        """
        Raise if it is known that the table is no longer ours; what is not known, the commit's own fence decides.

        Raises:
            Fenced: Another run took it over.
        """

    def repair(self, catchup: TableWatermark) -> None:
        """
        Put the store to the Iceberg table's value, whatever stands there.

        Raises:
            Fenced: Another run took the table over.
        """

    def record(self, outcome: RunOutcome) -> None:
        """
        Let the store catch up and release the lease.

        Raises:
            Fenced: Another run took the table over; the store is left as it is.
        """


class Watermarks(Protocol):
    """What people and dashboards read, and the lease. The Iceberg table decides; this only follows it."""

    def claim(self, table: str, run_id: str) -> AbstractContextManager[Lease]:
        """
        Take the lease: a new epoch.

        Raises:
            LeaseHeld: A living run has it; says who and since when.
        """

    def read(self, table: str) -> dict[str, Any] | None:
        """The table's row of `offload_watermarks`, or None."""
