"""How each ClickHouse type is carried into Iceberg, and which are refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.clickhouse import types
from offload.errors import DataError
from offload.iceberg.schema import table_schema
from offload.model.columns import SourceColumn
from offload.model.table import PartitionField, TableSpec

SPEC = TableSpec(
    "t", "t", "cold.t", "bronze", "ts", "n", unsigned_as_long=("as_long",), binary=("raw",), truncate=("fine",)
)
NEEDED = [SourceColumn("ts", "DateTime64(6, 'UTC')"), SourceColumn("n", "UInt64")]

CARRIED = [
    ("c", "Bool", "boolean"),
    ("c", "Int8", "int"),
    ("c", "Int16", "int"),
    ("c", "Int32", "int"),
    ("c", "Int64", "long"),
    ("c", "UInt8", "int"),
    ("c", "UInt16", "int"),
    ("c", "UInt32", "long"),
    ("c", "UInt64", "decimal(20, 0)"),
    ("as_long", "UInt64", "long"),
    ("c", "Float32", "float"),
    ("c", "Float64", "double"),
    ("c", "String", "string"),
    ("raw", "String", "binary"),
    ("c", "FixedString(16)", "fixed[16]"),
    ("c", "Date", "date"),
    ("c", "Date32", "date"),
    ("c", "DateTime", "timestamptz"),
    ("c", "DateTime('Europe/Berlin')", "timestamptz"),
    ("c", "DateTime64(3)", "timestamptz"),
    ("c", "DateTime64(6, 'UTC')", "timestamptz"),
    ("fine", "DateTime64(9, 'UTC')", "timestamptz"),
    ("c", "UUID", "uuid"),
    ("c", "Decimal(9, 2)", "decimal(9, 2)"),
    ("c", "Decimal(18, 8)", "decimal(18, 8)"),
    ("c", "Decimal(38, 16)", "decimal(38, 16)"),
    ("c", "Enum8('buy' = 1, 'sell' = 2)", "string"),
    ("c", "Enum16('a(b' = -300, 'it\\'s, \\\\' = 300)", "string"),
    ("c", "LowCardinality(String)", "string"),
    ("c", "Array(String)", "list<string>"),
    ("c", "Array(Array(Decimal(18, 8)))", "list<list<decimal(18, 8)>>"),
    ("c", "Map(String, String)", "map<string, string>"),
    ("c", "Map(LowCardinality(String), Array(UInt64))", "map<string, list<decimal(20, 0)>>"),
    ("c", "Map(Enum8('x, y\\\\' = 1), Date)", "map<string, date>"),
]
NULLABLE = [
    ("Nullable(String)", "string"),
    ("LowCardinality(Nullable(String))", "string"),
    ("Nullable(Decimal(18, 8))", "decimal(18, 8)"),
    ("Nullable(Enum8('a' = 1, 'b' = 2))", "string"),
    ("Nullable(UUID)", "uuid"),
    ("Nullable(DateTime64(3, 'UTC'))", "timestamptz"),
]
REFUSED = [
    "Tuple(Int8, String)",
    "Tuple(a Int8, b Nullable(String))",
    "JSON",
    "JSON(max_dynamic_paths=10)",
    "Object('json')",
    "Dynamic",
    "Variant(Int64, String)",
    "IPv4",
    "IPv6",
    "Int128",
    "Int256",
    "UInt128",
    "UInt256",
    "Decimal(39, 2)",
    "Decimal(76, 10)",
    "AggregateFunction(sum, UInt64)",
    "SimpleAggregateFunction(sum, UInt64)",
    "Nested(a Int8)",
    "Point",
    "Polygon",
    "IntervalDay",
    "BFloat16",
    "Time64(3)",
    "DateTime64(7, 'UTC')",
    "DateTime64(9)",
    "Nullable(DateTime64(9))",
    "Array(IPv4)",
    "Map(String, Tuple(Int8))",
    "Nullable(Int128)",
    "LowCardinality(IPv6)",
    "",
]


def shown(kind: str, name: str = "c") -> tuple[str, bool]:
    """The Iceberg type of a column, and whether NULL may stand in it."""
    map_columns = types.map_columns(
        replace(SPEC, **{role: (name,) if name == other else () for role, other in ROLES}),
        [*NEEDED, SourceColumn(name, kind)],
    )
    field = table_schema(map_columns).find_field(name)
    return str(field.field_type), not field.required


ROLES = (("unsigned_as_long", "as_long"), ("binary", "raw"), ("truncate", "fine"))


@pytest.mark.parametrize(("name", "kind", "expected"), CARRIED)
def test_a_type_has_one_iceberg_type(name: str, kind: str, expected: str) -> None:
    """Exactly the types of docs/tables.md; without Nullable the column is required."""
    assert shown(kind, name) == (expected, False)


@pytest.mark.parametrize(("kind", "expected"), NULLABLE)
def test_nullable_makes_a_column_optional(kind: str, expected: str) -> None:
    """In any position of the type."""
    assert shown(kind) == (expected, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Array(Nullable(Int64))", False),
        ("Map(String, Nullable(Int64))", False),
        ("Array(Int64)", True),
        ("Map(String, Int64)", True),
    ],
)
def test_nullable_elements_are_optional_and_others_are_required(kind: str, expected: bool) -> None:  # noqa: FBT001
    """NULL inside an array or a map is another value than NULL instead of it."""
    map_columns = types.map_columns(
        replace(SPEC, unsigned_as_long=(), binary=(), truncate=()), [*NEEDED, SourceColumn("c", kind)]
    )
    nested: Any = table_schema(map_columns).find_field("c").field_type

    assert (nested.element_required if kind.startswith("Array") else nested.value_required) is expected


@pytest.mark.parametrize("kind", REFUSED)
def test_a_type_that_iceberg_cannot_store_is_refused_by_name(kind: str) -> None:
    """Column and type stand in the message: nothing is dropped or guessed."""
    with pytest.raises(DataError) as caught:
        types.type_mapping(SourceColumn("strange", kind), SPEC)

    assert "strange" in caught.value.found
    assert kind in caught.value.found


@pytest.mark.parametrize("name", ["", "nested.part"])
def test_a_column_name_that_iceberg_would_split_is_refused(name: str) -> None:
    """A dot is a path in Iceberg."""
    with pytest.raises(DataError, match="name"):
        types.type_mapping(SourceColumn(name, "Int64"), SPEC)


@pytest.mark.parametrize("role", ["timestamp", "sequence", "arrival"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_declared_column_that_is_missing_is_named_with_its_role(role: str, listed: bool) -> None:  # noqa: FBT001
    """Also in the lists."""
    plain = replace(SPEC, unsigned_as_long=(), binary=(), truncate=())
    spec = replace(plain, **({"key": ("absent",)} if listed else {role: "absent"}))

    with pytest.raises(DataError, match="absent") as caught:
        types.map_columns(spec, NEEDED)

    assert ("key" if listed else role) in caught.value.expected


@pytest.mark.parametrize("kind", ["String", "Date", "Int64", "Nullable(DateTime64(6))", "Nullable(DateTime)"])
def test_a_timestamp_of_another_type_is_refused(kind: str) -> None:
    """A watermark needs a time that is never NULL."""
    plain = replace(SPEC, unsigned_as_long=(), binary=(), truncate=())

    with pytest.raises(DataError, match="ts"):
        types.map_columns(plain, [SourceColumn("ts", kind), NEEDED[1]])


@pytest.mark.parametrize("kind", ["String", "Float64", "Nullable(UInt64)", "Decimal(18, 0)", "Array(UInt64)"])
def test_a_sequence_that_is_no_integer_is_refused(kind: str) -> None:
    """A Decimal is no UInt64, whatever it is carried as."""
    plain = replace(SPEC, unsigned_as_long=(), binary=(), truncate=())

    with pytest.raises(DataError, match="n in t"):
        types.map_columns(plain, [NEEDED[0], SourceColumn("n", kind)])


@pytest.mark.parametrize("kind", ["Nullable(String)", "Array(String)", "Map(String, String)"])
@pytest.mark.parametrize("role", ["key", "sort", "partition"])
def test_a_column_that_names_or_orders_rows_is_plain(role: str, kind: str) -> None:
    """Neither NULL nor nested."""
    named: Any = (PartitionField("c", "identity"),) if role == "partition" else ("c",)
    plain = replace(SPEC, unsigned_as_long=(), binary=(), truncate=(), **{role: named})

    with pytest.raises(DataError, match=role):
        types.map_columns(plain, [*NEEDED, SourceColumn("c", kind)])


@pytest.mark.parametrize(
    ("kind", "precision"), [("DateTime", 0), ("DateTime('UTC')", 0), ("DateTime64(3)", 3), ("DateTime64(6, 'UTC')", 6)]
)
def test_the_watermark_counts_in_the_columns_own_ticks(kind: str, precision: int) -> None:
    """Digits after the second."""
    plain = replace(SPEC, unsigned_as_long=(), binary=(), truncate=())

    assert types.map_columns(plain, [SourceColumn("ts", kind), NEEDED[1]]).precision == precision
