"""
How the columns of hot and cold differ, and which differences the cold table can follow.

Followed are the changes after which every reader reads old files as before: a new optional column, a wider type, an
optional column instead of a required one. Source: the Iceberg table specification, "Schema Evolution".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg import types
from pyiceberg.schema import Schema
from pyiceberg.table import Transaction
from pyiceberg.types import NestedField

from offload.errors import DataError
from offload.iceberg.schema import sql_name, table_schema
from offload.model.columns import TableSchema
from offload.model.table import TableSpec

_IN_HOT = {
    "boolean": "Bool",
    "int": "Int32",
    "long": "Int64",
    "float": "Float32",
    "double": "Float64",
    "string": "String",
    "binary": "String",
    "date": "Date32",
    "timestamptz": "DateTime64(6, 'UTC')",
    "uuid": "UUID",
}


@dataclass(frozen=True)
class ColumnDifference:
    """
    A column that is not the same in hot and in cold.

    Attributes:
        hot: The column that cold should have; None: hot has none.
        cold: The column that cold has; None: it has none.
        why: Why cold cannot follow, where the types alone do not say it.
    """

    hot: NestedField | None
    cold: NestedField | None
    why: str = ""

    @property
    def name(self) -> str:
        """The column's name."""
        return str((self.hot or self.cold).name)  # type: ignore[union-attr]  # one of them is there

    @property
    def widens(self) -> bool:
        """Whether hot has another type, to which Iceberg can promote cold's."""
        return self.hot is not None and self.cold is not None and _promotes(self.cold.field_type, self.hot.field_type)

    @property
    def relaxes(self) -> bool:
        """Whether hot may have NULL where cold requires a value."""
        return self.hot is not None and self.cold is not None and self.cold.required and self.hot.optional

    @property
    def can_be_followed(self) -> bool:
        """Whether every reader still reads old files after cold has followed."""
        if self.why or self.hot is None:
            return False
        same = self.cold is None or _unnumbered(self.hot.field_type) == _unnumbered(self.cold.field_type)
        return same or self.widens

    @property
    def found(self) -> str:
        """Both sides, for a message."""
        return f"{self.name}: hot {_spelled(self.hot)}, cold {_spelled(self.cold)}{self.why and f' ({self.why})'}"

    @property
    def change(self) -> str:
        """What cold has to do to follow."""
        if self.hot is None or self.cold is None:
            return f"add {self.name} {self.hot and _unnumbered(self.hot.field_type)}"
        widened = f"widen {self.name} from {self.cold.field_type} to {self.hot.field_type}" if self.widens else ""
        relaxed = f"make {self.name} optional" if self.relaxes else ""
        return ", ".join(part for part in (widened, relaxed) if part)


def check_schema(schema: TableSchema, metadata: Any) -> tuple[str, ...]:
    """
    Compare the hot table's columns with the cold table's: same names, in any order, and same types.

    A cold column may be optional where hot's is not: so every engine adds a column, and Spark makes all of them. The
    changes that cold has to follow are returned, where the declaration allows them; none: the columns fit.

    Raises:
        DataError: They differ otherwise; every difference is named, and the statements that remove it.
    """
    found = _differences(schema, metadata)
    allowed = schema.spec.on_schema_change == "evolve"
    if not all(allowed and one.can_be_followed for one in found):
        raise DataError(
            f"the columns of {schema.spec.target} to be those of {schema.spec.source}",
            "; ".join(one.found for one in found),
            f"{_statements(schema.spec, found)}, then {schema.spec.command('run')}",
        )
    return tuple(one.change for one in found)


def follow(transaction: Transaction, schema: TableSchema) -> None:
    """
    Stage the changes after which the cold table has the hot table's columns.

    Raises:
        DataError: As `check_schema`; the table may have been changed since RECOVER.
    """
    metadata = transaction.table_metadata
    check_schema(schema, metadata)
    with transaction.update_schema() as update:
        for one in _differences(schema, metadata):
            if one.hot is None or one.cold is None:
                if one.hot is not None:
                    update.add_column((one.name,), one.hot.field_type, required=False)
                continue
            kind = one.hot.field_type if one.widens else None
            update.update_column((one.name,), field_type=kind, required=False if one.relaxes else None)


def _differences(schema: TableSchema, metadata: Any) -> list[ColumnDifference]:
    current: Schema = metadata.schema()
    wanted = {field.name: field for field in table_schema(schema).fields}
    there = {field.name: field for field in current.fields}
    pairs = [(wanted.get(name), there.get(name)) for name in dict.fromkeys([*wanted, *there])]
    return [
        ColumnDifference(hot, cold, _obstacle(schema, metadata, hot, cold))
        for hot, cold in pairs
        if not _fits(hot, cold)
    ]


def _fits(hot: NestedField | None, cold: NestedField | None) -> bool:
    if hot is None or cold is None:
        return False
    same = _unnumbered(hot.field_type) == _unnumbered(cold.field_type)
    return same and (hot.required or cold.optional)


def _obstacle(schema: TableSchema, metadata: Any, hot: NestedField | None, cold: NestedField | None) -> str:
    """Why a difference whose types look harmless is none: old rows would not be read as hot has them."""
    if hot is None:
        return ""
    if cold is not None:
        in_partition = any(field.column == hot.name for field in schema.spec.partition)
        return "a column of the partition keeps its type" if in_partition else ""
    if any(field.name == hot.name for older in metadata.schemas for field in older.fields):
        return "a column of that name was dropped there: its old files still have it"
    column = schema.column(hot.name)
    if column.default and (column.mapping.nullable or column.mapping.items):
        return f"older rows of hot have {column.default}, its DEFAULT or MATERIALIZED; those of cold would have none"
    return ""


def _promotes(cold: Any, hot: Any) -> bool:
    if isinstance(cold, types.DecimalType) and isinstance(hot, types.DecimalType):
        return bool(hot.precision > cold.precision and hot.scale == cold.scale)
    return (str(cold), str(hot)) in {("int", "long"), ("float", "double")}


def _statements(spec: TableSpec, found: Sequence[ColumnDifference]) -> str:
    """What to type so that both tiers have the same columns; what cold can follow only where nothing else is wrong."""
    if refused := [one for one in found if not one.can_be_followed]:
        return "; ".join(_in_hot(spec, one, found) for one in refused)
    added = [f"{sql_name(one.name)} {_sql_type(one.hot.field_type)}" for one in found if one.hot and not one.cold]
    altered = [
        f"ALTER TABLE {spec.target} ALTER COLUMN {sql_name(one.name)} {action} in Spark"
        for one in found
        for action in _alterations(one)
    ]
    statements = [f"ALTER TABLE {spec.target} ADD COLUMNS ({', '.join(added)}) in Spark or Trino"] if added else []
    by_hand = "; ".join([*statements, *altered])
    return f'{by_hand}, or declare on_schema_change = "evolve"' if spec.declared else by_hand


def _alterations(one: ColumnDifference) -> Iterator[str]:
    if one.widens and one.hot:
        yield f"TYPE {_sql_type(one.hot.field_type)}"
    if one.relaxes:
        yield "DROP NOT NULL"


def _in_hot(spec: TableSpec, one: ColumnDifference, found: Sequence[ColumnDifference]) -> str:
    """How both tiers get the same column again, where cold cannot follow hot."""
    table, name = f"ALTER TABLE {spec.source}", sql_name(one.name)
    if one.cold is None:
        if "DEFAULT" in one.why:
            return f"{table} MODIFY COLUMN {name} REMOVE DEFAULT, or REMOVE MATERIALIZED where it is that"
        return f"{table} RENAME COLUMN {name} TO {sql_name(f'{one.name}_2')}"
    if one.hot is None:
        new = [two.name for two in found if two.hot and not two.cold and _alike(two.hot, one.cold)]
        renamed = [f"if {old} is its new name: {table} RENAME COLUMN {sql_name(old)} TO {name}" for old in new]
        again = f"{table} ADD COLUMN {name} {_hot_type(one.cold, optional=one.cold.optional)}"
        gone = f"to drop it from cold as well: ALTER TABLE {spec.target} DROP COLUMN {name} in Spark or Trino"
        return ", or ".join([*renamed, again, gone])
    modify = f"{table} MODIFY COLUMN {name} {_hot_type(one.cold, optional=one.hot.optional)}"
    declared = _declaration(spec, one.name, str(one.hot.field_type), str(one.cold.field_type))
    return f"{modify}, or {declared}" if declared and spec.declared else modify


def _declaration(spec: TableSpec, name: str, hot: str, cold: str) -> str | None:
    """How the declaration gives the column cold's type; None: it cannot."""
    for field, into, otherwise in (("unsigned_as_long", "long", "decimal(20, 0)"), ("binary", "binary", "string")):
        if (cold, hot) == (into, otherwise):
            return f"declare it under {field}"
        if (cold, hot) == (otherwise, into) and name in getattr(spec, field):
            return f"remove it from {field}"
    return None


def _alike(hot: NestedField, cold: NestedField) -> bool:
    return _unnumbered(hot.field_type) == _unnumbered(cold.field_type)


def _hot_type(field: NestedField, *, optional: bool) -> str:
    """A type of ClickHouse that is stored as the field's."""
    nested = isinstance(field.field_type, types.ListType | types.MapType)
    kind = _type_in_hot(field.field_type)
    return f"Nullable({kind})" if optional and not nested else kind


def _type_in_hot(kind: Any) -> str:
    if isinstance(kind, types.ListType):
        return f"Array({_hot_type(kind.element_field, optional=not kind.element_required)})"
    if isinstance(kind, types.MapType):
        return f"Map({_type_in_hot(kind.key_type)}, {_hot_type(kind.value_field, optional=not kind.value_required)})"
    fixed = re.fullmatch(r"fixed\[(\d+)\]", str(kind))
    return f"FixedString({fixed[1]})" if fixed else _IN_HOT.get(str(kind), str(kind).replace("decimal", "Decimal"))


def _sql_type(kind: Any) -> str:
    """An Iceberg type as Spark SQL writes it."""
    if isinstance(kind, types.ListType):
        return f"ARRAY<{_sql_type(kind.element_type)}>"
    if isinstance(kind, types.MapType):
        return f"MAP<{_sql_type(kind.key_type)}, {_sql_type(kind.value_type)}>"
    return {"timestamptz": "TIMESTAMP", "long": "BIGINT"}.get(str(kind), str(kind).upper())


def _spelled(field: NestedField | None) -> str:
    if field is None:
        return "has none"
    return f"{_unnumbered(field.field_type)}{' required' if field.required else ''}"


def _unnumbered(kind: Any) -> str:
    if isinstance(kind, types.ListType):
        return f"list<{_unnumbered(kind.element_type)}{' required' if kind.element_required else ''}>"
    if isinstance(kind, types.MapType):
        value = f"{_unnumbered(kind.value_type)}{' required' if kind.value_required else ''}"
        return f"map<{_unnumbered(kind.key_type)}, {value}>"
    return str(kind)
