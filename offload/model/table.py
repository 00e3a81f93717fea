"""What a declaration says of one table."""

from __future__ import annotations

from dataclasses import dataclass


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
