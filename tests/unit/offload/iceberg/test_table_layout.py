"""Files name the order that they really have, and a cold column that hot may leave empty is optional."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField

from offload.errors import DataError
from offload.iceberg.schema_changes import check_schema
from offload.iceberg.table_layout import order_id
from offload.model.columns import Column, TableSchema, TypeMapping
from offload.model.table import TableSpec

SPEC = TableSpec("t", "t", "cold.t", "bronze", "at", "seq", sort=("at", "seq"))


def cold(*, required: bool) -> Schema:
    """Two columns of whole numbers."""
    return Schema(*(NestedField(at, name, LongType(), required=required) for at, name in ((1, "at"), (2, "seq"))))


def metadata(*orders: tuple[int, ...]) -> Any:
    """Metadata with these sort orders, numbered from 1; an order is the ids of its columns."""
    made = [
        SortOrder(
            *(
                SortField(
                    source_id=column,
                    transform=IdentityTransform(),
                    direction=SortDirection.ASC,
                    null_order=NullOrder.NULLS_FIRST,
                )
                for column in order
            ),
            order_id=number,
        )
        for number, order in enumerate(orders, start=1)
    ]
    return SimpleNamespace(schema=lambda: cold(required=True), sort_orders=made)


def test_a_file_has_the_id_of_the_order_in_which_it_is_written() -> None:
    """Not that of another order of the table; 0 where the table has none like it."""
    assert order_id(SPEC, metadata((2,), (1, 2), (2, 1))) == 2
    assert order_id(SPEC, metadata((2,), (2, 1))) == 0


def with_columns(*, required: bool) -> Any:
    """Metadata with these columns, and no older ones."""
    return SimpleNamespace(schema=lambda: cold(required=required), schemas=[cold(required=required)])


def hot(*, nullable: bool) -> TableSchema:
    """The same columns in hot."""
    return TableSchema(
        SPEC, tuple(Column(name, TypeMapping("long", "Int64", nullable=nullable)) for name in ("at", "seq")), 6
    )


def test_a_column_that_may_be_empty_in_hot_must_be_optional_in_cold() -> None:
    """The reverse is as every engine adds a column."""
    check_schema(hot(nullable=False), with_columns(required=False))
    check_schema(hot(nullable=False), with_columns(required=True))
    check_schema(hot(nullable=True), with_columns(required=False))
    with pytest.raises(DataError, match="at: hot long, cold long required"):
        check_schema(hot(nullable=True), with_columns(required=True))
