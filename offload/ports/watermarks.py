"""The watermark store's ports: the row that people and dashboards read, and the lease of a table."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.counters import Counters
from offload.ports.view import RecordedView


@dataclass(frozen=True)
class TableWatermark:
    """
    A table's watermark, as the Iceberg table has it and as the store repeats it.

    Attributes:
        ticks: Ticks of the source column since 1970 UTC; None, as all fields: nothing was published yet.
        timestamp: The same as a time in UTC.
        sequence: The largest sequence at that timestamp.
        table_uuid: UUID of the Iceberg table.
        verified_through: Time up to which every hot row was held against cold; None: no proof yet.
        expired_through: Largest timestamp of the partitions that `expire-hot` dropped; None: none yet.
    """

    ticks: int | None
    timestamp: datetime | None
    sequence: int | None
    table_uuid: str | None
    verified_through: datetime | None = None
    expired_through: datetime | None = None

    @classmethod
    def of(cls, state: TableState | None) -> TableWatermark:
        """The watermark of a cold table in this state; None: there is no such table."""
        token = state.token if state else None
        if state is None or token is None or token.watermark_ticks is None:
            return NO_WATERMARK
        timestamp, verified, expired = (
            None if ticks is None else windows.to_datetime(ticks, token.precision)
            for ticks in (token.watermark_ticks, token.verified_through, token.expired_through)
        )
        return cls(token.watermark_ticks, timestamp, token.watermark_sequence, state.uuid, verified, expired)


NO_WATERMARK = TableWatermark(None, None, None, None)


@dataclass(frozen=True)
class StoredWatermark:
    """
    What the store has about one table.

    Attributes:
        watermark: Its watermark, which RECOVER compares with the Iceberg table's.
        columns: The whole row by column name, for people; no command decides by it.
        view: The view that runs keep up to date; None: there is none.
    """

    watermark: TableWatermark
    columns: Mapping[str, Any] = field(default_factory=dict)
    view: RecordedView | None = None


@dataclass(frozen=True)
class RunOutcome:
    """
    How one command on one table ended.

    Attributes:
        status: success, failed, repaired or expired.
        watermark: The Iceberg table's watermark, which the store repeats; None: unknown, the store keeps its own.
        counters: What was counted.
        seconds: Wall time.
        error: The message of the error; None: no error.
        snapshot_id: Current snapshot of the Iceberg table; None: unknown, or the table has none.
    """

    status: str
    watermark: TableWatermark | None
    counters: Counters = field(default_factory=Counters)
    seconds: float = 0.0
    error: str | None = None
    snapshot_id: int | None = None


@dataclass(frozen=True)
class Cycle:
    """
    One run over several tables, whose snapshots belong together.

    Attributes:
        run_id: Id of the run.
        bound: No window of it ends later, in UTC; None: no table came as far as PLAN.
        exit_code: The most severe of its tables.
        snapshots: The snapshot of each table after it, by the table's name; None: unknown, or the table has none.
    """

    run_id: str
    bound: datetime | None
    exit_code: int
    snapshots: Mapping[str, int | None]


@dataclass(frozen=True)
class WatermarkChange:
    """
    One change of a table's watermark by an operator.

    Attributes:
        run_id: Id of the command.
        table: The hot table.
        changed_by: user@host.
        reason: Why, as the operator gave it.
        old: The watermark before it.
        new: The watermark after it.
        late_rows: Rows between both that hot has and cold lacks: late ones from then on.
        forced: Whether `--force` was given.
    """

    run_id: str
    table: str
    changed_by: str
    reason: str
    old: TableWatermark
    new: TableWatermark
    late_rows: int
    forced: bool


class WatermarkChanges(Protocol):
    """
    The log of what operators changed, in the watermark store.

    A change is written before its commit is sent, so that none is missing: without a snapshot it was not published, or
    the command was killed before it could say so.
    """

    def begin(self, change: WatermarkChange) -> None:
        """Write a change that is about to be published."""

    def published(self, change: WatermarkChange, snapshot_id: int | None) -> None:
        """Add the snapshot that has it."""

    def last(self, table: str, limit: int) -> list[dict[str, Any]]:
        """The last changes of a table, newest first, by column name."""


class Lease(Protocol):
    """
    A claimed table: alive while its heartbeat is young and its lock is held.

    Must never write to a row of another epoch: every write says `epoch = mine`.
    """

    epoch: int

    def raise_epoch(self, above: int) -> None:
        """
        Make the epoch larger than the one in the Iceberg table.

        Raises:
            Fenced: Another run took the table over.
        """

    def check(self) -> None:
        """
        Raise if a heartbeat found that the table was taken over; the commit's own fence finds everything else.

        Raises:
            Fenced: Another run took the table over.
        """

    def repair(self, watermark: TableWatermark) -> None:
        """
        Write the Iceberg table's watermark into the store, whatever the store has.

        Raises:
            Fenced: Another run took the table over.
        """

    def record(self, outcome: RunOutcome) -> None:
        """
        Write the outcome into the store and the history of runs, and release the lease.

        Raises:
            Fenced: Another run took the table over; the store is left as it is.
        """


class Watermarks(Protocol):
    """
    The watermark store. It follows the Iceberg table, and never decides what was published.

    Attributes:
        clock_ahead: Seconds by which the store's clock was ahead of this machine's at the last claim.
    """

    clock_ahead: float

    def claim(self, table: str, run_id: str) -> AbstractContextManager[Lease]:
        """
        Claim a table under a new epoch.

        Raises:
            LeaseHeld: A living run has the lease; the message says whose it is, and since when.
        """

    def read(self, table: str) -> StoredWatermark | None:
        """What the store has about a table; None: no row."""

    def rows_since(self, table: str, epoch: int) -> int:
        """Rows that runs after this epoch published, by the history of runs."""

    def knows(self, table: str) -> bool:
        """Whether a run of the table has succeeded, or a person has repaired it, by the history of runs."""


class Views(Protocol):
    """Which views of tables runs keep up to date, in the watermark store."""

    def keep_view(self, table: str, epoch: int, view: RecordedView | None) -> None:
        """
        Write the view of a table, and the snapshot that it shows; None: no view.

        A row of another epoch is left as it is: the run that has it keeps the view.
        """


class Cycles(Protocol):
    """The records of whole runs, in the watermark store."""

    def record_cycle(self, cycle: Cycle) -> None:
        """Write the record of one run over its tables."""
