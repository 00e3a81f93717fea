"""Columns of a table, and the type in which each is read, hashed and written."""

from __future__ import annotations

from dataclasses import dataclass

from offload.model.table import TableSpec

MICROSECONDS = 6
SIGNED_MAX = 2**63 - 1


@dataclass(frozen=True)
class SourceColumn:
    """
    One stored column of the hot table.

    Attributes:
        name: Its name.
        type: Its type as ClickHouse prints it.
        default: The SQL expression of its DEFAULT or MATERIALIZED; None: it has none.
    """

    name: str
    type: str
    default: str | None = None


@dataclass(frozen=True)
class TypeMapping:
    """
    How one type is read, hashed and written.

    Attributes:
        iceberg: Iceberg type name; `list` and `map` have `items`.
        clickhouse: The type that the value is read as, without Nullable.
        nullable: Whether a value may be NULL.
        converts: Whether the source must be cast before it is read.
        text: Whether the value must be valid UTF-8.
        checked_unsigned: Whether the value must fit a signed 64-bit integer.
        dictionary: Whether the type is LowCardinality text.
        items: The mapping of the element of a list, or of key and value of a map.
    """

    iceberg: str
    clickhouse: str
    nullable: bool = False
    converts: bool = False
    text: bool = False
    checked_unsigned: bool = False
    dictionary: bool = False
    items: tuple[TypeMapping, ...] = ()

    def __str__(self) -> str:
        inner = f"<{', '.join(map(str, self.items))}>" if self.items else ""
        return f"{self.iceberg}{inner}{'' if self.nullable else ' required'}"


@dataclass(frozen=True)
class Column:
    """
    One column of the cold table.

    Attributes:
        name: Its name.
        mapping: How its values are read and written.
        default: The SQL expression that hot has for rows older than the column; None: the default of its type.
    """

    name: str
    mapping: TypeMapping
    default: str | None = None


@dataclass(frozen=True)
class TableSchema:
    """Everything about a table's columns that reading, hashing and writing need."""

    spec: TableSpec
    columns: tuple[Column, ...]
    precision: int

    def column(self, name: str) -> Column:
        """The column of that name; its existence was checked when the schema was made."""
        return next(column for column in self.columns if column.name == name)

    @property
    def content(self) -> tuple[Column, ...]:
        """The columns of the content of a row: all but the delivery columns."""
        return tuple(column for column in self.columns if column.name not in self.spec.delivery)

    @property
    def counted(self) -> tuple[Column, ...]:
        """
        The columns of the digests by hour: timestamp and sequence, which tell nearly every row from another.

        They are two numbers, cheap to hash. A row that changes in other columns alone is found where all are hashed.
        """
        if self.spec.changed == "replace":
            return self.content
        return self.column(self.spec.timestamp), self.column(self.spec.sequence)

    @property
    def identity(self) -> tuple[Column, ...]:
        """The key columns; without a key, all columns."""
        return tuple(self.column(name) for name in self.spec.key) or self.content
