"""
How a column crosses from ClickHouse: as bits that both sides copy, and seen here as what they mean.

ClickHouse's Arrow output builds times and decimals value by value, and every decimal in 128 bits; whole numbers and
fixed strings it copies as they stand. So a time or a decimal is asked for as its bits (little-endian on both sides)
and seen anew without a copy. What is hashed is the value, not what crosses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from offload import sql
from offload.schema import CarriedColumn

_DECIMAL = re.compile(r"decimal\((\d+), (\d+)\)")
_DIGITS_OF_64_BITS = 18


@dataclass(frozen=True)
class Crossing:
    """
    One column on its way.

    Attributes:
        expression: What ClickHouse is asked for.
        seen_as: The type that what arrives is seen as; None: as it came. Decimals of up to 18 digits stay 64 bits wide.
    """

    expression: str
    seen_as: pa.DataType | None = None

    def arrived(self, array: pa.Array) -> pa.Array:
        """The column in its own type; only an unsigned number, which is told from a decimal, is converted."""
        if self.seen_as is None:
            return array
        return array.cast(self.seen_as) if pa.types.is_unsigned_integer(array.type) else array.view(self.seen_as)


def crossing(column: CarriedColumn) -> Crossing:
    """How one column crosses; text of few values as a dictionary, which Parquet then stores as it comes."""
    carrier, value = column.carrier, sql.carried(column)
    if carrier.dictionary:
        return Crossing(f"CAST({sql.identifier(column.name)} AS LowCardinality({sql.nullable('String', carrier)}))")
    if carrier.iceberg == "timestamptz":
        return Crossing(f"reinterpretAsInt64({value})", pa.timestamp("us", "UTC"))
    if found := _DECIMAL.fullmatch(carrier.iceberg):
        digits, scale = map(int, found.groups())
        if carrier.converts:  # an unsigned number, which Arrow has a type for
            return Crossing(sql.identifier(column.name), pa.decimal128(digits, scale))
        if digits > _DIGITS_OF_64_BITS:
            return Crossing(f"reinterpretAsFixedString({value})", pa.decimal128(digits, scale))
        wide = f"CAST({value} AS {sql.nullable(f'Decimal({_DIGITS_OF_64_BITS}, {scale})', carrier)})"
        return Crossing(f"reinterpretAsInt64({wide})", pa.decimal64(digits, scale))
    return Crossing(value)
