"""
What the protocol needs of the world: small Protocols, one reason to change each.

Every method may raise `Unavailable` (the same call later is safe) and `AccessRefused` (a person must act); what else
one raises stands with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from offload.clickhouse.types import TableShape
from offload.model.cold_table import (
    ColdState,
    Fingerprint,
    Piece,
    Seen,
    SourceIdentity,
    Split,
    TableSpec,
    Token,
    Window,
    WrittenFile,
)
from offload.model.steps import Event, Moment
from offload.model.windows import Cell
from offload.ports.watermarks import (
    Catchup,
    Difference,
    Late,
    Outcome,
    Reading,
    Survey,
)

Listener = Callable[[Moment], None]
"""Told each moment, in the thread where it happens; what it raises ends the run like any other failure."""

Tell = Callable[[Event, int], None]
"""How an engine says what happens: the event and the rows it is about."""

Bound = tuple[str, Any, Any]
"""A column and the inclusive range of values wanted of it; None leaves an end open."""


class Clock(Protocol):
    """Our own clock, beside the server's."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""


class HotTable(Protocol):
    """One hot table, as it was described. Never writes, and never chooses what to read."""

    @property
    def shape(self) -> TableShape:
        """Its columns and how each travels."""

    @property
    def identity(self) -> SourceIdentity:
        """Which table it is."""

    @property
    def stored_bytes_per_row(self) -> float:
        """Bytes of a row in a data file, estimated; 0: unknown."""

    def one_batch(self, window: Window) -> None:
        """
        Begin a batch: forget what was set aside, look for deliveries of one row across the window.

        Raises:
            DataError: A key with two contents.
        """

    def survey(self, window: Window) -> Survey:
        """Count the window as it stands and say what is odd in it."""

    def cells(self, window: Window, bucket: int, *, clustered: bool) -> list[Cell]:
        """Count raw rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""

    def count(self, piece: Piece) -> int:
        """How many rows there are now, one per key."""

    def look(self, piece: Piece) -> Seen:
        """
        Fingerprint the rows of a piece as a reader of cold must find them: one per key, in the target's types.

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
        """

    def read(self, piece: Piece) -> Reading:
        """
        Read the same rows, sorted, with a look at them.

        The digest comes by the query that reads, the count by another: a stream that ends proves nothing.
        The look raises:
            DataError: A value that cannot be carried, or a key with two contents.
            SourceMoving: Such a value came and went.
            KeysDoubled: A key came twice: what was read is to be thrown away; reading again gives it once.
        """

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: no row bears it any more."""

    def key_bounds(self, window: Window) -> list[Bound]:
        """The range of each key column in the window, where manifests can be pruned by it."""

    def oldest(self) -> int | None:
        """Ticks from which hot should hold every row; None: it holds none."""


class Source(Protocol):
    """
    The hot tables of one ClickHouse.

    Opened at the first call, not before: CLAIM must come first.
    """

    def describe(self, spec: TableSpec) -> HotTable:
        """
        Look at a table as it is now.

        Raises:
            DataError: The table or one of the named columns is missing, or a type cannot be carried.
        """

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""


class Verifier(Protocol):
    """The engine that reads what was stored and holds it against the hot rows. Never writes."""

    def stored(self, shape: TableShape, paths: Sequence[str]) -> dict[str, Fingerprint]:
        """
        Fingerprint each stored file, read in its physical types; a file without rows must not be asked about.

        Raises:
            DataError: A file is missing or unreadable: it is never left out of the answer.
        """

    def late(self, hot: HotTable, asked: Late, cold_files: Callable[[int, int], Sequence[str]]) -> int:
        """Count the late keys that cold lacks; `cold_files` takes ticks, inclusive."""

    def leave_out_cold(self, hot: HotTable, window: Window, files: Sequence[str]) -> int:
        """
        Make `hot` mean only rows whose keys those files lack; returns how many rows it leaves out.

        Raises:
            DataError: A key stands in cold with another content.
        """

    def newest(self, shape: TableShape, paths: Sequence[str]) -> int:
        """The largest timestamp in those files, in ticks of the source column, rounded up where it was cut."""

    def compare(self, hot: HotTable, window: Window, files: Sequence[str]) -> Difference:
        """Hold hot against cold, in every column but the delivery columns."""


class Lake(Protocol):
    """The cold table and its catalog. Deletes nothing, whatever happens."""

    def load(self, spec: TableSpec) -> ColdState | None:
        """
        The table as it stands, or None where the catalog has none.

        Raises:
            ConfigurationError: The warehouse is missing.
            DataError: The token cannot be read.
        """

    def create(self, shape: TableShape) -> ColdState:
        """Create the table; one that another run has just created is loaded instead."""

    def check_history(self, spec: TableSpec, state: ColdState) -> None:
        """
        Check that the history since the last token explains the table.

        Raises:
            DataError: Filled by another job, rolled back, appended to, deleted from or recreated by hand.
        """

    def check_columns(self, shape: TableShape, state: ColdState) -> None:
        """
        Hold the hot table's columns against the cold table's.

        Raises:
            DataError: A column is missing on one side, or of another type.
        """

    def files(self, state: ColdState, bounds: Sequence[Bound]) -> list[str]:
        """Live files that may hold rows within all the bounds."""

    def check_footers(self, state: ColdState, files: Sequence[WrittenFile]) -> None:
        """
        Hold names, field ids and types of each stored file against the table's schema.

        Raises:
            DataError: They do not agree.
        """

    def publish(
        self, spec: TableSpec, state: ColdState, files: Sequence[WrittenFile], token: Token, told: Callable[[], None]
    ) -> ColdState:
        """
        One commit: files, token and properties, or nothing; `told` is called between upload and the catalog's turn.

        Never rebases. No data file may be deleted after any of its errors.

        Raises:
            Fenced: The table no longer has the UUID or the last token of `state`.
            OutcomeUnknown: Sent, and it cannot be seen whether it landed.
        """


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

    def repair(self, catchup: Catchup) -> None:
        """
        Put the store to the Iceberg table's value, whatever stands there.

        Raises:
            Fenced: Another run took the table over.
        """

    def record(self, outcome: Outcome) -> None:
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


class Engine(Protocol):
    """
    Carries out the splits of one batch: reads each from the source, writes it as a data file.

    An engine never chooses what to read, never publishes and never records progress: the runner does, so every engine
    inherits the same guarantee.
    """

    def write(self, hot: HotTable, splits: Sequence[Split], schema: Any, tell: Tell) -> list[WrittenFile]:
        """
        Write every split; return the files of successful attempts only, in the order of the splits.

        Raises:
            Unavailable: Nothing was published; the same call later is safe.
            DataError: A row that cannot be carried.
        """
