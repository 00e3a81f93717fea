"""
Every defect of a stored file is found before anything is published.

The defects are planted in the files after the engine has written them: names, types and field ids are unchanged, so
only the rows show the defect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from offload.io.warehouse import plain
from offload.model.cold_table import WrittenFile
from offload.model.table import TableSpec
from offload.ports.engine import Emit, Engine
from offload.ports.source import HotTable
from tests.support.embedded import START, Embedded

Rows = list[dict[str, Any]]
Defect = Callable[[pa.Table], pa.Table]

COLUMNS = """
    id UInt64, ts DateTime64(6, 'UTC'), price Decimal(18, 8), quantity Decimal(18, 8), total Decimal(38, 16),
    name String,
    side Enum8('buy' = 1, 'sell' = 2), flag Bool, small UInt8, big UInt64, uuid UUID, f Float64,
    maybe Nullable(Int64), text Nullable(String), items Array(Nullable(Int64)), tags Map(String, Nullable(String))
"""
FIELDS: dict[str, Any] = {
    "timestamp": "ts",
    "sequence": "id",
    "key": ("id",),
    "delivery": (),
    "arrival": None,
    "sort": ("ts", "id"),
    "unsigned_as_long": ("id",),
}


class Spoiling:
    """An engine whose files are rewritten with a defect before VERIFY."""

    def __init__(self, inner: Engine, defect: Defect) -> None:
        self._inner = inner
        self._defect = defect

    def write(self, hot: HotTable, splits: Sequence[Any], schema: Any, emit: Emit) -> list[WrittenFile]:
        """Write with the inner engine, then rewrite each file with the defect."""
        files = self._inner.write(hot, splits, schema, emit)
        for file in files:
            stored = pq.read_table(plain(file.path))
            pq.write_table(self._defect(stored), plain(file.path), store_schema=False, store_decimal_as_integer=True)
        return files


def ten_rows(stage: Embedded) -> TableSpec:
    """Ten rows; the odd ones have NULLs."""
    stage.sql(f"CREATE TABLE t ({COLUMNS}) ENGINE = MergeTree ORDER BY id")
    stage.sql(
        f"INSERT INTO t SELECT number, {START} + number, number + 0.12345678, 2 * number + 1, 3 * number, "
        "concat('n', toString(number)), 'buy', true, 255 - number, 18446744073709551615 - number, "
        "toUUID('01234567-89ab-cdef-fedc-ba9876543210'), 1.5, "
        "if(number % 2 = 1, NULL, 0), if(number % 2 = 1, NULL, ''), if(number % 2 = 1, [NULL, 1], [0, 1]), "
        "if(number % 2 = 1, map('k', NULL, 'l', 'x'), map('k', '', 'l', 'x')) FROM numbers(10)"
    )
    return stage.declared("t", **FIELDS)


def row_wise(change: Callable[[Rows], object]) -> Defect:
    """A defect as a change of Python rows."""

    def defect(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        change(rows)
        return pa.Table.from_pylist(rows, schema=table.schema)

    return defect


def put(at: int, column: str, value: Any) -> Defect:
    """Put another value into one column of one row."""
    return row_wise(lambda rows: rows[at].update({column: value}))


def swapped(column: str, one: int, other: int) -> Defect:
    """Swap the values of one column between two rows."""

    def change(rows: Rows) -> None:
        rows[one][column], rows[other][column] = rows[other][column], rows[one][column]

    return row_wise(change)


def field_ids_swapped(one: str, other: str) -> Defect:
    """Give each of two columns the other's field id, by which Iceberg reads them."""

    def defect(table: pa.Table) -> pa.Table:
        fields = {field.name: field for field in table.schema}
        ids = {one: fields[other].metadata, other: fields[one].metadata}
        return table.cast(pa.schema([f.with_metadata(ids.get(f.name, f.metadata)) for f in table.schema]))

    return defect


def not_utf8(table: pa.Table) -> pa.Table:
    """Replace two bytes of a text column by two that are not UTF-8."""
    texts = table.column("name").combine_chunks()
    spoiled = pa.Array.from_buffers(
        pa.string(),
        len(texts),
        [None, texts.buffers()[1], pa.py_buffer(b"\xff\xfe" + texts.buffers()[2].to_pybytes()[2:])],
    )
    at = table.schema.get_field_index("name")
    return table.set_column(at, table.schema.field(at), spoiled)


DEFECTS: dict[str, Defect] = {
    "one digit of a decimal": put(4, "price", Decimal("4.12345679")),
    "the last digit of a wide decimal": put(4, "total", Decimal("12.0000000000000001")),
    "one letter": put(4, "name", "m4"),
    "one microsecond": row_wise(lambda rows: rows[4].update(ts=rows[4]["ts"].replace(microsecond=1))),
    "an enum's name": put(4, "side", "sell"),
    "a flag": put(4, "flag", False),  # noqa: FBT003  # a value of a column
    "the last bit of a float": put(4, "f", 1.5000000000000002),
    "the sign of zero in a float": put(4, "f", -0.0),
    "a digit in a row with a plain NULL": put(5, "price", Decimal("5.12345679")),
    "an element beside a NULL in an array": put(5, "items", [None, 2]),
    "a value beside a NULL in a map": put(5, "tags", [("k", None), ("l", "y")]),
    "a key beside a NULL in a map": put(5, "tags", [("k", None), ("m", "x")]),
    "an element moved in an array": put(5, "items", [1, None]),
    "an element dropped from an array": put(5, "items", [None]),
    "the last row dropped": lambda table: table.slice(0, 9),
    "the last row doubled": lambda table: pa.concat_tables([table, table.slice(9)]),
    "a row dropped and another doubled": lambda table: pa.concat_tables([table.slice(0, 9), table.slice(8, 1)]),
    "two values swapped between rows": swapped("price", 2, 3),
    "two columns swapped in a row": row_wise(
        lambda rows: rows[4].update(price=rows[4]["quantity"], quantity=rows[4]["price"])
    ),
    "two field ids swapped": field_ids_swapped("price", "quantity"),
    "an unsigned maximum as -1 in a decimal": put(0, "big", Decimal(-1)),
    "an unsigned maximum as -1 in an int": put(0, "small", -1),
    "bytes that are not UTF-8": not_utf8,
    "a NULL turned into the default": put(5, "maybe", 0),
    "a NULL text turned into the default": put(5, "text", ""),
    "a default turned into NULL": put(4, "maybe", None),
    "a default text turned into NULL": put(4, "text", None),
    "a NULL in an array turned into the default": put(5, "items", [0, 1]),
    "a default in an array turned into NULL": put(4, "items", [None, 1]),
    "a NULL in a map turned into the default": put(5, "tags", [("k", ""), ("l", "x")]),
    "a default in a map turned into NULL": put(4, "tags", [("k", None), ("l", "x")]),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_stored_defect_is_found_and_nothing_is_published(stage: Embedded, name: str) -> None:
    """Count and digest are those of the stored rows: a run whose file differs ends with 65."""
    spec = ten_rows(stage)

    result = stage.run(spec, adapters={"engine": lambda inner: Spoiling(inner, DEFECTS[name])})

    assert result.exit_code == 65, result
    assert result.error is not None
    assert result.error["kind"] == "DataError"
    assert (result.rows, stage.published(spec)) == (0, 0)


def test_a_file_that_is_only_rewritten_is_published(stage: Embedded) -> None:
    """The tests above find the defects, not the rewriting of the file."""
    spec = ten_rows(stage)

    result = stage.run(spec, adapters={"engine": lambda inner: Spoiling(inner, row_wise(lambda rows: rows))})

    assert (result.exit_code, result.rows) == (0, 10), result.error


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda table: table.drop_columns(["name"]), id="a column is missing"),
        pytest.param(lambda table: table.append_column("more", [[None] * 10]), id="a column too many"),
        pytest.param(
            lambda table: table.set_column(8, "small", table.column("small").cast("int64")), id="a wider type"
        ),
        pytest.param(lambda table: table.rename_columns([*table.column_names[:-1], "label"]), id="another name"),
    ],
)
def test_a_footer_that_differs_from_the_table_is_found(stage: Embedded, change: Defect) -> None:
    """Names, types and field ids of a file are compared with the table's schema, even if its rows are right."""
    spec = ten_rows(stage)

    result = stage.run(spec, adapters={"engine": lambda inner: Spoiling(inner, change)})

    assert (result.exit_code, stage.published(spec)) == (65, 0), result


def test_text_in_hot_that_is_not_utf8_is_refused_with_an_example(stage: Embedded) -> None:
    """A value that an Iceberg string cannot have is an error with the column and a key."""
    spec = ten_rows(stage)
    stage.sql(f"INSERT INTO t (id, ts, name) SELECT 77, {START} + 77, unhex('FFFE')")

    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0)
    assert result.error is not None
    assert "name" in result.error["expected"]
    assert "77" in result.error["found"]
