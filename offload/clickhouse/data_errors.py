"""Errors about rows, with examples of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offload.errors import DataError, SourceMoving
from offload.model.columns import Column, TableSchema
from offload.model.table import TableSpec


def conflicting_duplicates(schema: TableSchema, rows: Sequence[tuple[Any, ...]]) -> DataError:
    """The error for keys that have two contents; `rows` are examples."""
    return DataError(
        f"one content per key ({', '.join(schema.spec.key)}) in {schema.spec.source}",
        f"keys with two contents, such as {examples(rows)}",
        "correct the rows in the hot table, or declare the columns that differ under delivery (docs/tables.md)",
    )


def keys_equal_when_stored(schema: TableSchema, count: int) -> DataError:
    """The error for `count` rows whose keys differ only in what is cut."""
    return DataError(
        f"keys ({', '.join(schema.spec.key)}) of {schema.spec.source} that differ in what Iceberg stores",
        f"{count} rows whose keys differ only in what is cut",
        "add a column to the key that tells the rows apart, or correct the rows (docs/tables.md)",
    )


def unsupported_value(schema: TableSchema, column: Column, count: int, rows: Sequence[tuple[Any, ...]]) -> DataError:
    """The error for `count` values of a column that do not fit its Iceberg type; `rows` are examples."""
    return DataError(
        f"values of {column.name} in {schema.spec.source} that fit the Iceberg type {column.mapping.iceberg}",
        f"{count} that do not fit, such as the rows with the key {examples(rows)}",
        "correct the rows, or declare the column under binary or remove it from unsigned_as_long (docs/tables.md)",
    )


def value_vanished(spec: TableSpec) -> SourceMoving:
    """The error for an invalid value that a second query does not find."""
    return SourceMoving(
        f"{spec.source} not to change while it is read",
        "an invalid value that was gone on the second read",
        spec.command("run"),
    )


def examples(rows: Sequence[tuple[Any, ...]]) -> str:
    """Rows as a message shows them."""
    return "; ".join("/".join(map(str, row)) for row in rows)
