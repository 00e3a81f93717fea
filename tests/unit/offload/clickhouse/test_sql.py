"""Identifiers, literals and hashes: nothing that is named can become a statement, nothing NULL can hide a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.clickhouse import sql
from offload.model.columns import Column, TypeMapping

STRING = TypeMapping("string", "String", text=True)
MAYBE = TypeMapping("long", "Int64", nullable=True)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("plain", "`plain`"),
        ("with space", "`with space`"),
        ("tick`", "`tick\\``"),
        ("back\\", "`back\\\\`"),
        ("\\`; DROP TABLE t --", "`\\\\\\`; DROP TABLE t --`"),
    ],
)
def test_an_identifier_stays_one(name: str, quoted: str) -> None:
    """Backticks and backslashes are escaped."""
    assert sql.identifier(name) == quoted


@pytest.mark.parametrize(
    ("value", "quoted"), [("", "''"), ("it's", "'it\\'s'"), ("\\'; DROP TABLE t --", "'\\\\\\'; DROP TABLE t --'")]
)
def test_a_text_stays_one(value: str, quoted: str) -> None:
    """Quotes and backslashes are escaped."""
    assert sql.text(value) == quoted


@given(st.text())
def test_no_text_ends_its_own_quotes(value: str) -> None:
    """Unescaping the text between the quotes gives the value back, and no character closes the quotes early."""
    inner, unescaped, characters = sql.text(value)[1:-1], "", iter(sql.text(value)[1:-1])
    for char in characters:
        assert char != "'", inner
        unescaped += next(characters) if char == "\\" else char

    assert unescaped == value


@pytest.mark.parametrize(
    ("ticks", "precision", "literal"),
    [
        (0, 0, "toDateTime('1970-01-01 00:00:00', 'UTC')"),
        (-1, 0, "toDateTime64('1969-12-31 23:59:59', 0, 'UTC')"),
        (1, 1, "toDateTime64('1970-01-01 00:00:00.1', 1, 'UTC')"),
        (-1, 3, "toDateTime64('1969-12-31 23:59:59.999', 3, 'UTC')"),
        (1_722_470_400_000_001, 6, "toDateTime64('2024-08-01 00:00:00.000001', 6, 'UTC')"),
        (-1, 9, "toDateTime64('1969-12-31 23:59:59.999999999', 9, 'UTC')"),
        (-2_208_988_800, 0, "toDateTime64('1900-01-01 00:00:00', 0, 'UTC')"),
        (951_782_400_000, 3, "toDateTime64('2000-02-29 00:00:00.000', 3, 'UTC')"),
    ],
)
def test_ticks_are_spelled_as_a_time(ticks: int, precision: int, literal: str) -> None:
    """Exact to the tick at every precision, before 1970 too."""
    assert sql.timestamp(ticks, precision) == literal


def test_a_nullable_value_is_hashed_as_a_flag_and_a_default() -> None:
    """cityHash64 of NULL is NULL, and a sum would skip the row."""
    assert (
        sql.hash_expression([("`c`", MAYBE)]) == "cityHash64(isNull(`c`), ifNull(`c`, defaultValueOfTypeName('Int64')))"
    )


def test_elements_that_may_be_null_are_hashed_likewise() -> None:
    """In arrays and maps, with the length, so that no element can move to a neighbour."""
    array = TypeMapping("list", "Array(Nullable(Int64))", items=(MAYBE,))
    mapping = TypeMapping("map", "Map(String, Nullable(Int64))", items=(STRING, MAYBE))

    hashed = sql.hash_expression([("a", array), ("m", mapping)])

    assert hashed.count("isNull(h0)") == 2
    assert "length(a)" in hashed
    assert "length(m)" in hashed


@pytest.mark.parametrize(
    ("mapping", "condition"),
    [
        (STRING, "NOT isValidUTF8(`c`)"),
        (TypeMapping("string", "String", nullable=True, text=True), "NOT isValidUTF8(ifNull(`c`, ''))"),
        (TypeMapping("long", "Int64", checked_unsigned=True), "ifNull(`c` > 9223372036854775807, 0)"),
        (TypeMapping("list", "Array(String)", items=(STRING,)), "(arrayExists(v0 -> NOT isValidUTF8(v0), `c`))"),
        (TypeMapping("long", "Int64"), None),
        (TypeMapping("list", "Array(Int64)", items=(TypeMapping("long", "Int64"),)), None),
    ],
)
def test_a_value_that_cannot_be_carried_has_a_condition(mapping: TypeMapping, condition: str | None) -> None:
    """Text and unsigned numbers are checked, wherever they stand."""
    assert sql.invalid_value(Column("c", mapping)) == condition


def test_the_keys_of_a_map_are_checked_too() -> None:
    """Keys and values both."""
    condition = sql.invalid_value(Column("c", TypeMapping("map", "Map(String, String)", items=(STRING, STRING))))

    assert condition is not None
    assert "mapKeys(`c`)" in condition
    assert "mapValues(`c`)" in condition
