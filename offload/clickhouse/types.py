"""
The Iceberg type of each ClickHouse type.

Sources: ClickHouse's type names as `system.columns` prints them; Iceberg spec, "Primitive Types" and "Parquet".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from offload.clickhouse import sql
from offload.errors import DataError
from offload.model.columns import MICROSECONDS, Column, SourceColumn, TableSchema, TypeMapping
from offload.model.outline import OutlineColumn
from offload.model.table import TableSpec

MAX_DECIMAL = 38
_RESERVED = "tidemark_"


# ClickHouse type -> (Iceberg type, type it is read as). A column that is read in its own type needs no cast.
_PLAIN = {
    "Bool": ("boolean", "Bool"),
    "Int8": ("int", "Int32"),
    "Int16": ("int", "Int32"),
    "Int32": ("int", "Int32"),
    "Int64": ("long", "Int64"),
    "UInt8": ("int", "Int32"),
    "UInt16": ("int", "Int32"),
    "UInt32": ("long", "Int64"),
    "UInt64": ("decimal(20, 0)", "Decimal(20, 0)"),
    "Float32": ("float", "Float32"),
    "Float64": ("double", "Float64"),
    "String": ("string", "String"),
    "Date": ("date", "Date32"),
    "Date32": ("date", "Date32"),
    "UUID": ("uuid", "FixedString(16)"),
}


def map_columns(spec: TableSpec, columns: Sequence[SourceColumn]) -> TableSchema:
    """
    Choose the types in which each column is read and written.

    Raises:
        DataError: A column that the declaration names is missing or of a wrong type, or a type has no equal in Iceberg.
    """
    types = {column.name: column.type for column in columns}
    for role, name in _roles(spec):
        if name not in types:
            raise DataError(
                f"a column {name} ({role}) in {spec.source}", f"columns {', '.join(types)}", "name another column"
            )
    mapped = tuple(Column(column.name, type_mapping(column, spec), column.default) for column in columns)
    result = TableSchema(spec, mapped, _precision(spec, types[spec.timestamp]))
    _check_roles(result, types)
    return result


_DAYS = {"date", "timestamptz"}
_NO_IDENTITY = {"float", "double"}  # NaN and the two zeros are no values that a partition is found by


def type_mapping(column: SourceColumn, spec: TableSpec) -> TypeMapping:
    """
    Choose the types in which one column is read and written.

    Raises:
        DataError: Its type has no equal in Iceberg.
    """
    if not column.name or "." in column.name:
        raise _refused(column, "its name is empty or has a dot")
    if column.name.startswith(_RESERVED):
        raise _refused(column, f"names that begin with {_RESERVED} are used in queries")
    return _mapping(_parse(column.type), column, spec)


def outlined(column: SourceColumn) -> OutlineColumn:
    """One column of a table that is not declared: its Iceberg type, or why it has none."""
    nothing_declared = TableSpec("", "", "", "", "", "")
    try:
        mapping = type_mapping(column, nothing_declared)
    except DataError as error:
        return OutlineColumn(column.name, column.type, None, error.found, plain=True, default=column.default)
    plain = not mapping.nullable and not mapping.items
    return OutlineColumn(column.name, column.type, mapping.iceberg, "", plain, column.default)


def _roles(spec: TableSpec) -> Iterator[tuple[str, str]]:
    yield "timestamp", spec.timestamp
    yield "sequence", spec.sequence
    if spec.arrival:
        yield "arrival", spec.arrival
    lists = ("key", "delivery", "sort", "unsigned_as_long", "binary", "truncate")
    yield from ((role, name) for role in lists for name in getattr(spec, role))
    yield from (("partition", part.column) for part in spec.partition)


def _check_roles(table: TableSchema, types: dict[str, str]) -> None:
    spec = table.spec
    sequence = table.column(spec.sequence).mapping
    if sequence.nullable or sequence.iceberg not in {"int", "long", "decimal(20, 0)"}:
        raise DataError(
            f"an integer sequence column {spec.sequence} in {spec.source}",
            f"type {types[spec.sequence]}",
            "name another column with --sequence-col or in the declaration",
        )
    for role, names in (("key", spec.key), ("sort", spec.sort), ("partition", [p.column for p in spec.partition])):
        for name in names:
            if table.column(name).mapping.nullable or table.column(name).mapping.items:
                raise DataError(
                    f"a plain column that is never NULL as {role} column {name} of {spec.source}",
                    f"type {types[name]}",
                    "name another column or change the hot table",
                )

    for part in spec.partition:
        kind = table.column(part.column).mapping.iceberg
        if kind in _NO_IDENTITY if part.transform == "identity" else kind not in _DAYS:
            raise DataError(
                f"a {'date or a time' if part.transform != 'identity' else 'column of exact values'} in {spec.source} "
                f"to partition by {part.transform}",
                f"column {part.column} of type {types[part.column]}",
                "correct partition in the declaration (docs/tables.md)",
            )


def _precision(spec: TableSpec, type_name: str) -> int:
    head, args = _parse(type_name)
    if head == "DateTime64":
        return int(str(args[0]))
    if head == "DateTime":
        return 0
    raise DataError(
        f"a DateTime or DateTime64 column {spec.timestamp} without Nullable in {spec.source}",
        f"type {type_name}",
        "name another column with --timestamp-col or in the declaration",
    )


_Tree = tuple[str, tuple["_Tree | str", ...]]


def _parse(text: str) -> _Tree:
    """`Map(String, Array(UInt8))` -> ("Map", (("String", ()), ("Array", (("UInt8", ()),)))); literals stay strings."""
    head, _, rest = text.strip().partition("(")
    if not rest:
        return head, ()
    parts = sql.split_arguments(rest[:-1])
    return head, tuple(_parse(part) if part[:1].isalpha() else part for part in parts)


def _mapping(tree: _Tree, column: SourceColumn, spec: TableSpec) -> TypeMapping:
    head, args = tree
    inner = [arg for arg in args if isinstance(arg, tuple)]
    match head:
        case "Nullable":
            return replace(_mapping(inner[0], column, spec), nullable=True)
        case "LowCardinality":
            inside = _mapping(inner[0], column, spec)
            return replace(inside, converts=True, dictionary=inside.text)
        case "Enum8" | "Enum16" | "Enum":
            return TypeMapping("string", "String", converts=True, dictionary=True)
        case "Array" | "Map":
            items = tuple(_mapping(item, column, spec) for item in inner)
            spelled = ", ".join(_spelled(item) for item in items)
            converts = any(item.converts for item in items)
            return TypeMapping(
                "list" if head == "Array" else "map", f"{head}({spelled})", converts=converts, items=items
            )
        case "Decimal":
            return _decimal(column, [int(str(arg)) for arg in args])
        case "FixedString":
            return TypeMapping(f"fixed[{args[0]}]", f"FixedString({args[0]})")
        case "DateTime":
            return TypeMapping("timestamptz", "DateTime64(6, 'UTC')", converts=True)
        case "DateTime64":
            return _datetime64(column, int(str(args[0])), spec)
        case _ if head in _PLAIN and not args:
            return _plain(head, column, spec)
        case _:
            raise _refused(column, "Iceberg has no equal type")


def _plain(head: str, column: SourceColumn, spec: TableSpec) -> TypeMapping:
    iceberg, read_as = _PLAIN[head]
    if head == "String" and column.name in spec.binary:
        return TypeMapping("binary", "String")
    if head == "UInt64" and column.name in spec.unsigned_as_long:
        return TypeMapping("long", "Int64", converts=True, checked_unsigned=True)
    return TypeMapping(iceberg, read_as, converts=read_as != head, text=head == "String")


def _decimal(column: SourceColumn, args: list[int]) -> TypeMapping:
    precision, scale = args
    if precision > MAX_DECIMAL:
        raise _refused(column, f"more than {MAX_DECIMAL} digits")
    return TypeMapping(f"decimal({precision}, {scale})", f"Decimal({precision}, {scale})")


def _datetime64(column: SourceColumn, precision: int, spec: TableSpec) -> TypeMapping:
    if precision > MICROSECONDS and column.name not in spec.truncate:
        raise _refused(column, "it is finer than microseconds, and not declared under truncate")
    return TypeMapping("timestamptz", "DateTime64(6, 'UTC')", converts=True)


def _spelled(mapping: TypeMapping) -> str:
    return f"Nullable({mapping.clickhouse})" if mapping.nullable else mapping.clickhouse


def _refused(column: SourceColumn, why: str) -> DataError:
    return DataError(
        "columns that Iceberg can store",
        f"column {column.name} of type {column.type}: {why}",
        "change the column in the hot table, or declare it (docs/tables.md)",
    )
