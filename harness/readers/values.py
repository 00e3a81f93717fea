"""
Arrow columns as plain Python values that compare exactly, from either tier.

Instants are nanoseconds since 1970 UTC, integers and decimals compare as numbers, floats by their shortest exact text
(so that NaN equals itself and -0.0 is not 0.0), UUIDs and UTF-8 bytes as text, maps without regard to order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.readers.arrow import DataType, Table, pa
from harness.readers.arrow import types as t

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from harness.model import Key

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(int):
    """Nanoseconds since 1970 UTC, shown as ISO 8601."""

    __slots__ = ()

    def __repr__(self) -> str:
        seconds, nanoseconds = divmod(int(self), 10**9)
        try:
            return f"{(EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}.{nanoseconds:09d}Z"
        except OverflowError:
            return f"{int(self)} ns"


def rows(table: Table, columns: Sequence[str]) -> list[Key]:
    """
    Return each row as a tuple of its values in `columns`.

    Raises:
        KeyError: The table lacks a column.
    """
    return list(zip(*(column(table, name) for name in columns), strict=True))


def column(table: Table, name: str) -> list[Hashable]:
    """
    Return one column's values.

    Raises:
        KeyError: The table lacks the column.
    """
    values = table.column(name)
    if t.is_string(values.type) or t.is_large_string(values.type):
        return list(values.to_pylist())  # unchanged: there may be a million values
    convert = _converter(values.type)
    return [convert(value) for value in values.cast(_storage(values.type)).to_pylist()]


def kind(given: DataType) -> str:
    """The kind of a type, regardless of its width: only columns of one kind can be equal."""
    if _is_list(given):
        return f"list of {kind(given.value_type)}"
    if t.is_map(given):
        return f"map of {kind(given.key_type)} to {kind(given.item_type)}"
    if t.is_struct(given):
        return f"struct of {', '.join(f'{field.name} {kind(field.type)}' for field in given)}"
    for is_kind, name in KINDS:
        if is_kind(given):
            return name
    return str(given)


def _is_list(given: DataType) -> bool:
    return any(check(given) for check in (t.is_list, t.is_large_list, t.is_fixed_size_list))


def _is_uuid(given: DataType) -> bool:
    return isinstance(given, pa.UuidType)


def _is_text(given: DataType) -> bool:
    checks = (t.is_string, t.is_large_string, t.is_binary, t.is_large_binary, t.is_fixed_size_binary)
    return any(check(given) for check in checks) or _is_uuid(given)


KINDS: tuple[tuple[Callable[[DataType], bool], str], ...] = (
    (t.is_boolean, "boolean"),
    (t.is_integer, "number"),
    (t.is_decimal, "number"),
    (t.is_floating, "float"),
    (t.is_timestamp, "instant"),
    (t.is_date, "date"),
    (t.is_null, "null"),
    (_is_text, "text"),
)


def _storage(given: DataType) -> DataType:
    """The type to cast to before Python sees the values: instants as integers, which lose no nanosecond."""
    if t.is_timestamp(given):
        return pa.int64()
    if _is_list(given):
        return pa.large_list(_storage(given.value_type))
    if t.is_map(given):
        return pa.map_(_storage(given.key_type), _storage(given.item_type))
    if t.is_struct(given):
        return pa.struct([(field.name, _storage(field.type)) for field in given])
    return given


def _converter(given: DataType) -> Callable[[Any], Hashable]:
    convert = _filled_converter(given)
    return lambda value: None if value is None else convert(value)


def _filled_converter(given: DataType) -> Callable[[Any], Hashable]:
    if t.is_timestamp(given):
        factor = NANOSECONDS[given.unit]
        return lambda value: Instant(value * factor)
    if t.is_floating(given):
        return repr
    if _is_text(given):
        return _text
    return _nested_converter(given)


def _nested_converter(given: DataType) -> Callable[[Any], Hashable]:
    if _is_list(given):
        item = _converter(given.value_type)
        return lambda value: tuple(map(item, value))
    if t.is_map(given):
        left, right = _converter(given.key_type), _converter(given.item_type)
        return lambda value: tuple(sorted(((left(one), right(two)) for one, two in value), key=repr))
    if t.is_struct(given):
        fields = {field.name: _converter(field.type) for field in given}
        return lambda value: tuple((name, fields[name](inner)) for name, inner in value.items())
    return lambda value: value


def _text(value: Any) -> Hashable:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
