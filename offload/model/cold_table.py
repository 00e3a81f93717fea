"""The nouns of the protocol: frozen, without behaviour that reaches outside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

HASH_MODULUS = 2**64


@dataclass(frozen=True)
class PartitionField:
    """One field of the cold partition: `day` or `month` of a timestamp column, or `identity` of any column."""

    column: str
    transform: str


@dataclass(frozen=True)
class TableSpec:
    """
    What a declaration says of one table.

    Attributes:
        name: Name on the command line.
        source: Hot table, `table` or `database.table`.
        target: Cold table, `namespace.table`.
        layer: bronze, silver or gold.
        timestamp: Column that windows and the watermark go by.
        sequence: Column whose largest value at the watermark is shown to people; it orders nothing.
        key: Columns that name a row; empty: the table is a multiset and nothing is ever dropped.
        delivery: Columns that say how a row came, not what it is.
        arrival: Column set by ClickHouse on insert; None: late rows are sought by a look-back.
        timestamp_follows_key: Whether rows of one key always bear one timestamp.
        partition: Fields of the cold partition.
        sort: Columns of the order inside a file.
        unsigned_as_long: UInt64 columns carried as `long`.
        binary: String columns that need not be UTF-8.
        truncate: DateTime64 columns finer than microseconds that may be cut to microseconds.
        late: `sweep` or `skip`.
    """

    name: str
    source: str
    target: str
    layer: str
    timestamp: str
    sequence: str
    key: tuple[str, ...] = ()
    delivery: tuple[str, ...] = ()
    arrival: str | None = None
    timestamp_follows_key: bool = False
    partition: tuple[PartitionField, ...] = ()
    sort: tuple[str, ...] = ()
    unsigned_as_long: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    truncate: tuple[str, ...] = ()
    late: str = "sweep"
    declared: bool = True

    def command(self, verb: str) -> str:
        """The command to type for this table; one that is named by flags must be declared for all but `run`."""
        if self.declared:
            return f"offload {verb} {self.name}"
        return "the same command" if verb == "run" else f"declare it (docs/tables.md), then offload {verb} {self.name}"


@dataclass(frozen=True)
class Watermark:
    """The largest published timestamp, in ticks of the source column since 1970 UTC, and the largest sequence at it."""

    ticks: int
    sequence: int | None


@dataclass(frozen=True)
class Window:
    """Ticks `(low, high]`; `low` None: from the beginning."""

    low: int | None
    high: int


@dataclass(frozen=True)
class Fingerprint:
    """Count and order-independent 64-bit digest of rows; sums of disjoint parts are the fingerprint of the whole."""

    rows: int
    digest: int

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows + other.rows, (self.digest + other.digest) % HASH_MODULUS)


NOTHING = Fingerprint(0, 0)


@dataclass(frozen=True)
class Seen:
    """One look at hot rows: their fingerprint and the largest timestamp among them (ticks; None: no row)."""

    fingerprint: Fingerprint
    last: int | None

    def __add__(self, other: Seen) -> Seen:
        lasts = [last for last in (self.last, other.last) if last is not None]
        return Seen(self.fingerprint + other.fingerprint, max(lasts, default=None))


UNSEEN = Seen(NOTHING, None)


@dataclass(frozen=True)
class SourceIdentity:
    """Which hot table it is: the server's UUID of it and the configured cluster name."""

    uuid: str
    cluster: str


@dataclass(frozen=True)
class Piece:
    """
    What one query reads: rows of one partition, between two values of the cluster column, within a window.

    `partition` holds SQL literals, one per partition field; `clusters` is an inclusive range of the first sort column
    where that column is not the timestamp. `rows` is the planned count.
    """

    window: Window
    partition: tuple[str, ...] = ()
    clusters: tuple[str, str] | None = None
    rows: int = 0


@dataclass(frozen=True)
class Split:
    """One data file to be: pieces of one partition in sort order, and where it goes. Picklable."""

    number: int
    pieces: tuple[Piece, ...]
    path: str = ""

    @property
    def rows(self) -> int:
        """Planned rows; the source may have moved since."""
        return sum(piece.rows for piece in self.pieces)


@dataclass(frozen=True)
class WrittenFile:
    """A data file as its writer closed it; `seen` is the look at hot that came with its rows."""

    split: Split
    path: str
    rows: int
    bytes: int
    seen: Seen


@dataclass(frozen=True)
class Token:
    """
    What a commit says of itself: it stands in the snapshot summary and, for the last one, in the table properties.

    `run_from` (the watermark that the run started from), the window and the watermark are ticks of the source column.
    `swept_at` (microseconds UTC on the source's clock) is when late rows were last looked for with none left behind.
    `table_uuid` is the cold table's own.
    """

    run_id: str
    epoch: int
    batch: int
    run_from: int | None
    window_from: int | None
    window_to: int
    rows: int
    digest: int
    watermark_ticks: int | None
    watermark_sequence: int | None
    precision: int
    source_uuid: str
    source_cluster: str
    table_uuid: str
    swept_at: int | None = None

    def dumps(self) -> str:
        """The token as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> Token:
        """
        Read back what `dumps` wrote.

        Raises:
            ValueError: The text is no token.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"not a token: {text[:200]}") from error

    @property
    def watermark(self) -> Watermark | None:
        """The table's watermark after this commit."""
        return None if self.watermark_ticks is None else Watermark(self.watermark_ticks, self.watermark_sequence)


@dataclass(frozen=True)
class ColdState:
    """The Iceberg table as it was loaded: what a run starts from and what its publication is fenced on."""

    uuid: str
    snapshot_id: int | None
    records: int
    token: Token | None
    location: str
    schema: Any = field(compare=False)  # pyarrow.Schema with field ids; Any, because nouns import no library
    handle: Any = field(compare=False, default=None, repr=False)  # the lake's own object
