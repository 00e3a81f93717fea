"""Rows of a published file without those of other files: each other row, in its order, in the table's types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from offload.errors import DataError
from offload.iceberg.rewriter import IcebergRewriter
from offload.io.warehouse import Warehouse
from offload.model.cold_table import TableState, WrittenFile
from offload.model.coverage import Coverage
from offload.model.splits import Split

SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("id", pa.int64(), nullable=False),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("note", pa.string()),
    ]
)
KEY = ("symbol", "id")


def rows(ids: list[int], **changes: Any) -> pa.Table:
    """Rows of two symbols; `note` came later."""
    columns = {"symbol": ["AB"[n % 2] for n in ids], "id": ids, "tags": [[str(n)] for n in ids]} | changes
    return pa.table(columns)


def without(folder: Path, published: pa.Table, *replaced: pa.Table) -> tuple[WrittenFile, pa.Table]:
    """Write the files, rewrite the first without the rows of the others, and read it back."""
    for name, table in zip("abcd", (published, *replaced), strict=False):
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=3)
    state = TableState("uuid", 1, 0, None, str(folder), Coverage(), (), SCHEMA)
    others = [str(folder / f"{name}.parquet") for name, _ in zip("bcd", replaced, strict=False)]
    split = Split(7, (), str(folder / "kept.parquet"))
    file = IcebergRewriter(Warehouse(str(folder), 5)).without(state, str(folder / "a.parquet"), others, KEY, split)
    return file, pq.read_table(folder / "kept.parquet")


def test_rows_stay_in_their_order_without_the_replaced_ones(tmp_path: Path) -> None:
    """By the whole key: another symbol with the same id stays; lists stay; a column that the file lacks is NULL."""
    published = rows([9, 1, 8, 2, 7, 3, 6, 4])
    other_symbol = rows([8], symbol=["B"])

    file, kept = without(tmp_path, published, rows([1, 7]), pa.concat_tables([rows([4]), other_symbol]))

    assert kept.column("id").to_pylist() == [9, 8, 2, 3, 6]
    assert kept.column("tags").to_pylist() == [["9"], ["8"], ["2"], ["3"], ["6"]]
    assert kept.column("note").null_count == 5
    assert (file.rows, file.path, file.split.number) == (5, str(tmp_path / "kept.parquet"), 7)
    assert file.bytes == (tmp_path / "kept.parquet").stat().st_size


def test_a_number_that_was_widened_is_written_in_the_type_of_now(tmp_path: Path) -> None:
    """And compared in it."""
    published = rows([1, 2, 3]).set_column(1, "id", pa.array([1, 2, 3], pa.int32()))

    _, kept = without(tmp_path, published, rows([2]))

    assert kept.column("id").to_pylist() == [1, 3]
    assert kept.schema.field("id").type == pa.int64()


def test_a_value_that_the_table_cannot_have_is_refused(tmp_path: Path) -> None:
    """The file was not written by the offload."""
    published = rows([1, 2]).set_column(1, "id", pa.array(["1", "two"]))

    with pytest.raises(DataError, match="check that nothing but Tidemark writes this file"):
        without(tmp_path, published, rows([1]))
