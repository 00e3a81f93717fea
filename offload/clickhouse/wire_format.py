"""
The form in which a column is sent by ClickHouse: as bits that both sides copy, and that are decoded here.

ClickHouse's Arrow output builds times, decimals and maps value by value, and every decimal in 128 bits; whole numbers,
fixed strings and lists are copied unchanged. So a query selects the bits of a time or a decimal (little-endian on both
sides), and the keys and the values of a map, and this module puts each together without a copy. The hash is that of
the value, not of its wire format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from offload.clickhouse import sql
from offload.model.columns import Column

_DECIMAL = re.compile(r"decimal\((\d+), (\d+)\)")
_DIGITS_OF_64_BITS = 18


@dataclass(frozen=True)
class WireColumn:
    """
    The wire format of one column.

    Attributes:
        expressions: The SQL expressions that the query selects.
        decode: Makes the column in its own type from the arrays; decimals of up to 18 digits stay 64 bits wide.
    """

    expressions: tuple[str, ...]
    decode: Callable[..., pa.Array]


def wire_column(column: Column) -> WireColumn:
    """The wire format of a column; LowCardinality text is a dictionary, which Parquet stores unchanged."""
    mapping, value = column.mapping, sql.cast(column)
    if mapping.dictionary:
        kind = sql.nullable("String", mapping)
        return _as_it_is(f"CAST({sql.identifier(column.name)} AS LowCardinality({kind}))")
    if mapping.iceberg == "timestamptz":
        return _bits(f"reinterpretAsInt64({value})", pa.timestamp("us", "UTC"))
    if mapping.iceberg == "map":
        return WireColumn((f"mapKeys({value})", f"mapValues({value})"), _map)
    if found := _DECIMAL.fullmatch(mapping.iceberg):
        return _decimal(column, value, *map(int, found.groups()))
    return _as_it_is(value)


def _decimal(column: Column, value: str, digits: int, scale: int) -> WireColumn:
    if column.mapping.converts:  # an unsigned number: Arrow has a type for it, and converts it to the decimal
        number = sql.identifier(column.name)
        return WireColumn((number,), partial(pa.Array.cast, target_type=pa.decimal128(digits, scale)))
    if digits > _DIGITS_OF_64_BITS:
        return _bits(f"reinterpretAsFixedString({value})", pa.decimal128(digits, scale))
    wide = sql.nullable(f"Decimal({_DIGITS_OF_64_BITS}, {scale})", column.mapping)
    return _bits(f"reinterpretAsInt64(CAST({value} AS {wide}))", pa.decimal64(digits, scale))


def _as_it_is(expression: str) -> WireColumn:
    return WireColumn((expression,), lambda array: array)


def _bits(expression: str, seen_as: pa.DataType) -> WireColumn:
    return WireColumn((expression,), lambda array: array.view(seen_as))


def _map(keys: pa.ListArray, values: pa.ListArray) -> pa.MapArray:
    """Both lists have the same lengths, since they are those of one map."""
    return pa.MapArray.from_arrays(keys.offsets, keys.values, values.values)
