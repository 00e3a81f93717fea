"""The declaration of one table."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAYERS = ("bronze", "silver", "gold")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_INTERVAL = re.compile(r"[1-9][0-9]{0,4}[smhd]")


@dataclass(frozen=True)
class PartitionField:
    """One field of the cold partition: `day` or `month` of a timestamp column, or `identity` of any column."""

    column: str
    transform: str


@dataclass(frozen=True)
class TableSpec:
    """
    The declaration of one table.

    Attributes:
        name: Name on the command line.
        source: Hot table, `table` or `database.table`.
        target: Cold table, `namespace.table`.
        layer: bronze, silver or gold.
        timestamp: Timestamp column; windows and the watermark are ranges of it.
        sequence: Column whose largest value at the watermark is shown to people; it orders nothing.
        key: Columns that identify a row; empty: the table may have equal rows, and none is dropped.
        delivery: Columns of the delivery of a row, which may differ between two deliveries of one row.
        arrival: Column that ClickHouse sets on insert; None: late rows are found by their timestamps alone.
        timestamp_follows_key: Whether all deliveries of a key have the same timestamp.
        partition: Fields of the cold partition.
        sort: Columns of the order inside a file.
        unsigned_as_long: UInt64 columns carried as `long`.
        binary: String columns that need not be UTF-8.
        truncate: DateTime64 columns finer than microseconds that may be cut to microseconds.
        late: `sweep` or `skip`.
        changed: `keep` or `replace`: what becomes of a published row whose content hot has changed.
        interval: A row covers this time from its timestamp on, such as `1m`, and is moved when it is over; None: a
            row covers no time.
        on_schema_change: `fail`, or `evolve`: the cold table follows columns that hot adds or widens.
        ttl_guard: Whether runs stop TTL merges while unproven rows are near their TTL.
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
    changed: str = "keep"
    interval: str | None = None
    on_schema_change: str = "fail"
    ttl_guard: bool = False
    declared: bool = True

    @property
    def interval_seconds(self) -> int:
        """The time that a row covers, in seconds; 0: none."""
        return 0 if self.interval is None else int(self.interval[:-1]) * _UNITS[self.interval[-1]]

    def command(self, verb: str) -> str:
        """The command to type for this table; one that is named by flags must be declared for all but `run`."""
        if self.declared:
            return f"offload {verb} {self.name}"
        return "the same command" if verb == "run" else f"declare it (docs/tables.md), then offload {verb} {self.name}"


def is_interval(text: str) -> bool:
    """Whether a text is an interval: a number of seconds, minutes, hours or days, such as `15m`."""
    return bool(_INTERVAL.fullmatch(text))
