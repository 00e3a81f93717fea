"""What ClickHouse's own catalog says of a table that is not declared yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutlineColumn:
    """
    One stored column.

    Attributes:
        name: Its name.
        type: Its type as ClickHouse prints it.
        iceberg: The Iceberg type in which it is carried; None: it cannot be carried as it is.
        refusal: Why it cannot be carried; empty: it can.
        plain: Whether it is neither NULL nor an array or a map, as keys and orders must be.
        default: The SQL expression of its DEFAULT or MATERIALIZED; None: it has none.
    """

    name: str
    type: str
    iceberg: str | None
    refusal: str
    plain: bool
    default: str | None


@dataclass(frozen=True)
class TableOutline:
    """
    One hot table.

    Attributes:
        source: `table` or `database.table`.
        engine: Its engine.
        unreadable: Why a table of this engine is not offloaded; None: it is.
        replacing: Whether its engine keeps one row per sorting key, at some later time.
        columns: In their order.
        sorting_key: Columns of the sorting key; empty where it holds expressions.
        partitioned_by: Columns of the partition key.
        ttl: The time after which a row may be deleted, as SQL; None: never.
    """

    source: str
    engine: str
    unreadable: str | None
    replacing: bool
    columns: tuple[OutlineColumn, ...]
    sorting_key: tuple[str, ...]
    partitioned_by: tuple[str, ...]
    ttl: str | None
