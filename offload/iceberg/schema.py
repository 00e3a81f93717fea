"""Schema, partition and sort order of a cold table, as PyIceberg's objects. Source: the Iceberg table specification."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count
from typing import Any

import pyarrow as pa
from pyiceberg import types
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import DayTransform, IdentityTransform, MonthTransform

from offload.errors import DataError
from offload.model.columns import TableSchema, TypeMapping
from offload.model.table import TableSpec

_SIMPLE = {
    "boolean": types.BooleanType,
    "int": types.IntegerType,
    "long": types.LongType,
    "float": types.FloatType,
    "double": types.DoubleType,
    "string": types.StringType,
    "binary": types.BinaryType,
    "date": types.DateType,
    "timestamptz": types.TimestamptzType,
    "uuid": types.UUIDType,
}
_TRANSFORMS = {"day": DayTransform, "month": MonthTransform, "identity": IdentityTransform}
_FIRST_PARTITION_ID = 1000  # Iceberg specification, "Partition Field IDs"


def table_schema(schema: TableSchema) -> Schema:
    """The cold table's schema; field ids start at 1 in column order; those of nested fields follow."""
    ids = count(1)
    top = [(next(ids), column) for column in schema.columns]
    fields = (
        types.NestedField(number, column.name, _type(column.mapping, ids), required=not column.mapping.nullable)
        for number, column in top
    )
    return Schema(*fields)


def _type(mapping: TypeMapping, ids: count[int]) -> Any:
    if mapping.iceberg == "list":
        (item,) = mapping.items
        return types.ListType(next(ids), _type(item, ids), element_required=not item.nullable)
    if mapping.iceberg == "map":
        key, value = mapping.items
        key_id, value_id = next(ids), next(ids)
        return types.MapType(key_id, _type(key, ids), value_id, _type(value, ids), value_required=not value.nullable)
    if found := re.fullmatch(r"decimal\((\d+), (\d+)\)", mapping.iceberg):
        return types.DecimalType(int(found[1]), int(found[2]))
    if found := re.fullmatch(r"fixed\[(\d+)\]", mapping.iceberg):
        return types.FixedType(int(found[1]))
    return _SIMPLE[mapping.iceberg]()


def partition_spec(schema: Schema, spec: TableSpec) -> PartitionSpec:
    """The declared partition."""
    return PartitionSpec(
        *(
            PartitionField(
                source_id=schema.find_field(field.column).field_id,
                field_id=_FIRST_PARTITION_ID + at,
                transform=_TRANSFORMS[field.transform](),
                name=field.column if field.transform == "identity" else f"{field.column}_{field.transform}",
            )
            for at, field in enumerate(spec.partition)
        )
    )


def sort_order(schema: Schema, spec: TableSpec) -> SortOrder:
    """The order of rows inside a file."""
    fields = (
        SortField(source_id=schema.find_field(name).field_id, transform=IdentityTransform()) for name in spec.sort
    )
    return SortOrder(*fields)


def check_required(schema: TableSchema, found: Schema, older: Sequence[Schema]) -> None:
    """
    Check that files of older schemas have every required column: no reader can read one that lacks it.

    Raises:
        DataError: A required column was added later.
    """
    for field in found.fields:
        if field.required and any(field.field_id not in one.field_ids for one in older):
            raise DataError(
                f"{field.name} of {schema.spec.target} to be optional, since older data files lack it",
                "a required column that was added later: no reader can read those files",
                f"ALTER TABLE {schema.spec.target} ALTER COLUMN {sql_name(field.name)} DROP NOT NULL in Spark, then "
                f"{schema.spec.command('run')}",
            )


def sql_name(name: str) -> str:
    """A name as Spark quotes it."""
    return name if name.isidentifier() else f"`{name}`"


def arrow_schema(schema: Schema) -> pa.Schema:
    """The schema that files are written in, with field ids; 32-bit offsets, which ClickHouse sends, are kept."""
    return pa.schema([_narrow(field) for field in schema_to_pyarrow(schema, include_field_ids=True)])


def _narrow(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_large_string(kind):
        return field.with_type(pa.string())
    if pa.types.is_large_binary(kind):
        return field.with_type(pa.binary())
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return field.with_type(pa.list_(_narrow(kind.value_field)))
    if pa.types.is_map(kind):
        return field.with_type(pa.map_(_narrow(kind.key_field), _narrow(kind.item_field)))
    return field
