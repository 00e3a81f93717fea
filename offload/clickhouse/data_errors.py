"""Errors about rows, with examples of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offload.errors import DataError
from offload.model.columns import Column, TableSchema


def conflicting_duplicates(schema: TableSchema, rows: Sequence[tuple[Any, ...]]) -> DataError:
    """The error for keys that bear two contents; `rows` are examples."""
    return DataError(
        f"one content per key ({', '.join(schema.spec.key)}) in {schema.spec.source}",
        f"keys with two, such as {examples(rows)}",
        "correct the rows in the hot table, or declare the columns that differ as delivery columns",
    )


def unsupported_value(schema: TableSchema, column: Column, count: int, rows: Sequence[tuple[Any, ...]]) -> DataError:
    """The error for `count` values of a column that do not fit its Iceberg type; `rows` are examples."""
    return DataError(
        f"values of {column.name} in {schema.spec.source} that fit {column.mapping.iceberg}",
        f"{count} that do not, such as {examples(rows)}",
        "correct the rows, or declare another carrier (unsigned_as_long, binary)",
    )


def examples(rows: Sequence[tuple[Any, ...]]) -> str:
    """Rows as a message shows them."""
    return "; ".join("/".join(map(str, row)) for row in rows)
