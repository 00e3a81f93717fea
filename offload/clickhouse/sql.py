"""
Parts of SQL queries: identifiers, literals, and the hash by which both tiers are compared.

The digest of rows is `sum(cityHash64(...))`, which wraps at 2^64 and does not depend on order. NULL would make the
whole hash NULL and the sum would skip the row, so a nullable value enters as a flag and a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from offload.model.columns import SIGNED_MAX, Column, TypeMapping
from offload.model.table import PartitionField
from offload.model.windows import HOUR

SECONDS_OF_1970_IN_YEAR_1 = 62_135_596_800


def split_arguments(text: str) -> list[str]:
    """The parts between the commas that are in no parentheses and no quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    escaped = False
    for at, char in enumerate(text):
        if escaped or char == "\\":
            escaped = not escaped
        elif char == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(char, 0)
            if char == "," and depth == 0:
                parts.append(text[start:at].strip())
                start = at + 1
    return [*parts, text[start:].strip()]


def identifier(name: str) -> str:
    """Quote one identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def text(value: str) -> str:
    """Quote one string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def timestamp(ticks: int, precision: int) -> str:
    """A literal of `ticks` of 10^-precision seconds since 1970 UTC, readable in the server's query log."""
    seconds, fraction = divmod(ticks, 10**precision)
    time = _time(seconds)
    if precision == 0 and 0 <= seconds < 2**32:  # a DateTime has no other second
        return f"toDateTime('{time:%Y-%m-%d %H:%M:%S}', 'UTC')"
    digits = f".{fraction:0{precision}d}" if precision else ""
    return f"toDateTime64('{time:%Y-%m-%d %H:%M:%S}{digits}', {precision}, 'UTC')"


def _time(seconds: int) -> datetime:
    days, rest = divmod(seconds + SECONDS_OF_1970_IN_YEAR_1, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    return datetime.fromordinal(days + 1).replace(hour=hours, minute=minutes, second=rest)


def ticks(expression: str, precision: int) -> str:
    """The ticks of a DateTime or DateTime64 expression as Int64."""
    return f"toInt64(toUnixTimestamp({expression}))" if precision == 0 else f"reinterpretAsInt64({expression})"


def bucket(expression: str, precision: int, size: int) -> str:
    """The first tick of the bucket of `size` ticks that has the expression's value, as Int64."""
    return f"{_floored(ticks(expression, precision), size)} * {size}"


def _floored(value: str, size: int) -> str:
    """The quotient rounded down; ClickHouse divides by a constant fast, and takes the modulo of one slowly."""
    return f"intDiv({value} - {size - 1} * ({value} < 0), {size})" if size > 1 else f"toInt64({value})"


def hour(expression: str, precision: int) -> str:
    """The first second of a time's hour since 1970 UTC, as Int64."""
    return f"{_floored(ticks(expression, precision), HOUR * 10**precision)} * {HOUR}"


def cast(column: Column) -> str:
    """The column, cast to the type in which it is read and written."""
    return _cast(identifier(column.name), column.mapping, 0)


def _cast(expression: str, mapping: TypeMapping, depth: int) -> str:
    if not mapping.converts:
        return expression
    if mapping.iceberg == "uuid":
        return f"UUIDStringToNum(toString({expression}))"
    if has_uuid(mapping):
        return _cast_items(expression, mapping, depth)
    return f"CAST({expression} AS {nullable(mapping.clickhouse, mapping)})"


def nullable(kind: str, mapping: TypeMapping) -> str:
    """The type, Nullable where the column is."""
    return f"Nullable({kind})" if mapping.nullable else kind


def has_uuid(mapping: TypeMapping) -> bool:
    """Whether the type is a UUID, or an array or map with one."""
    return mapping.iceberg == "uuid" or any(has_uuid(item) for item in mapping.items)


def _cast_items(expression: str, mapping: TypeMapping, depth: int) -> str:
    x = f"x{depth}"
    if mapping.iceberg == "list":
        return f"arrayMap({x} -> {_cast(x, mapping.items[0], depth + 1)}, {expression})"
    keys = f"arrayMap({x} -> {_cast(x, mapping.items[0], depth + 1)}, mapKeys({expression}))"
    values = f"arrayMap({x} -> {_cast(x, mapping.items[1], depth + 1)}, mapValues({expression}))"
    return f"mapFromArrays({keys}, {values})"


def hash_expression(values: Sequence[tuple[str, TypeMapping]], function: str = "cityHash64") -> str:
    """One hash over expressions that are already cast."""
    arguments = [part for expression, mapping in values for part in _hashed(expression, mapping, 0)]
    return f"{function}({', '.join(arguments)})"


def _hashed(expression: str, mapping: TypeMapping, depth: int) -> list[str]:
    if mapping.iceberg == "list":
        return [f"length({expression})", _hashed_items(expression, mapping.items[0], depth)]
    if mapping.iceberg == "map":
        parts = zip((f"mapKeys({expression})", f"mapValues({expression})"), mapping.items, strict=True)
        return [f"length({expression})", *(_hashed_items(part, item, depth) for part, item in parts)]
    if mapping.nullable:
        return [f"isNull({expression})", f"ifNull({expression}, defaultValueOfTypeName({text(mapping.clickhouse)}))"]
    return [expression]


def _hashed_items(expression: str, mapping: TypeMapping, depth: int) -> str:
    x = f"h{depth}"
    return f"arrayMap({x} -> cityHash64({', '.join(_hashed(x, mapping, depth + 1))}), {expression})"


def invalid_value(column: Column) -> str | None:
    """A condition that is true for a value that does not fit its Iceberg type; None: every value fits."""
    return _invalid_value(identifier(column.name), column.mapping, 0)


def _invalid_value(expression: str, mapping: TypeMapping, depth: int) -> str | None:
    if mapping.checked_unsigned:
        return f"ifNull({expression} > {SIGNED_MAX}, 0)"
    if mapping.iceberg.startswith("decimal(") and not mapping.converts:
        return f"ifNull(isDecimalOverflow({expression}), 0)"  # ClickHouse keeps digits beyond the precision
    if mapping.text and not mapping.nullable:
        return f"NOT isValidUTF8({expression})"
    if mapping.text:
        return f"NOT isValidUTF8(ifNull({expression}, ''))"
    x = f"v{depth}"
    parts = (expression,) if mapping.iceberg == "list" else (f"mapKeys({expression})", f"mapValues({expression})")
    found = [
        f"arrayExists({x} -> {inner}, {part})"
        for part, item in zip(parts, mapping.items, strict=False)
        if (inner := _invalid_value(x, item, depth + 1))
    ]
    return f"({' OR '.join(found)})" if found else None


def partition_of(field: PartitionField) -> str:
    """The value that a partition field has for a row; a day or month as its first date."""
    column = identifier(field.column)
    match field.transform:
        case "day":
            return f"toDate32({column}, 'UTC')"
        case "month":
            # Not toStartOfMonth: its result is a Date, which begins in 1970.
            day = f"toDate32({column}, 'UTC')"
            return f"{day} - toIntervalDay(toDayOfMonth({day}) - 1)"
        case _:
            return column


def partition_is(field: PartitionField, value: str) -> str:
    """The condition that a row is in the partition of that value."""
    column = identifier(field.column)
    if field.transform == "identity":
        return f"toString({column}) = {text(value)}"
    start = f"toDateTime64({text(f'{value} 00:00:00')}, 0, 'UTC')"  # a range, which the primary key can prune by
    return f"{column} >= {start} AND {column} < {start} + INTERVAL 1 {field.transform.upper()}"
