"""Data files: encodings, field ids, bounded row groups, and footers that are compared with the table's schema."""

from __future__ import annotations

import datetime as dt
import gc
from decimal import Decimal
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from offload.errors import ConfigurationError, DataError, OffloadError
from offload.iceberg import parquet
from offload.io.warehouse import Warehouse

TIME = pa.timestamp("us", tz="UTC")
PLAIN = [
    ("ts", TIME),
    ("price", pa.decimal128(18, 8)),
    ("total", pa.decimal128(38, 16)),
    ("symbol", pa.string()),
    ("id", pa.uuid()),
]


def numbered(name: str, kind: pa.DataType, number: int, *, nullable: bool = False) -> pa.Field:
    """A field with Iceberg's id."""
    return pa.field(name, kind, nullable=nullable, metadata={"PARQUET:field_id": str(number)})


SCHEMA = pa.schema(
    [
        *(numbered(name, kind, at + 1) for at, (name, kind) in enumerate(PLAIN)),
        numbered("tags", pa.list_(numbered("element", pa.string(), 7, nullable=True)), 6, nullable=True),
    ]
)
ROW = {
    "ts": dt.datetime(1969, 1, 1, tzinfo=dt.UTC),
    "price": Decimal("-1.00000001"),
    "total": Decimal("0.0000000000000001"),
    "symbol": "BTC",
    "id": b"0" * 16,
    "tags": ["x", None],
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A local warehouse."""
    return Warehouse(str(tmp_path), 10)


def batch(rows: int = 1) -> pa.RecordBatch:
    """The same row again and again."""
    return pa.RecordBatch.from_pylist([ROW] * rows, schema=SCHEMA)


def written(warehouse: Warehouse, batches: list[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> str:
    """A finished file; returns its address."""
    uri = f"{warehouse.uri}/data/file.parquet"
    file = parquet.ParquetFile(warehouse, uri, schema)
    for one in batches:
        file.write(one)
    size = file.close()
    assert size == Path(uri.removeprefix("file://")).stat().st_size
    return uri


def test_rows_are_stored_as_they_came(warehouse: Warehouse) -> None:
    """In order, with nothing added."""
    uri = written(warehouse, [batch(3), batch(2)])

    assert pq.read_table(uri.removeprefix("file://")).to_pylist() == batch(5).to_pylist()


def test_a_file_without_rows_is_a_file(warehouse: Warehouse) -> None:
    """Its footer is the table's as well."""
    assert parquet.footer(warehouse, written(warehouse, []), SCHEMA).num_rows == 0


def test_whole_numbers_are_delta_packed_and_all_is_zstd(warehouse: Warehouse) -> None:
    """Timestamps and decimals of up to 18 digits, which Iceberg stores as integers."""
    group = parquet.footer(warehouse, written(warehouse, [batch(100)]), SCHEMA).row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}

    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert all("DELTA_BINARY_PACKED" in columns[name].encodings for name in ("ts", "price"))
    assert columns["price"].physical_type == "INT64"
    assert columns["total"].physical_type == "FIXED_LEN_BYTE_ARRAY"


def test_every_column_has_bounds(warehouse: Warehouse) -> None:
    """Readers skip files by them."""
    group = parquet.footer(warehouse, written(warehouse, [batch(10)]), SCHEMA).row_group(0)

    assert all(group.column(at).statistics.has_min_max for at in range(4))


def test_row_groups_are_bounded(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is what one row group takes, however long the file."""
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", batch(100).nbytes)

    metadata = parquet.footer(warehouse, written(warehouse, [batch(100)] * 5), SCHEMA)

    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [100] * 5


class Bucket:
    """A store that is remote and keeps one file in memory."""

    remote = True

    def __init__(self) -> None:
        self.sink = pa.BufferOutputStream()

    def create(self, _uri: str) -> pa.BufferOutputStream:
        """The file."""
        return self.sink


def test_a_bucket_gets_larger_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server asks a bucket for each column of each row group by itself."""
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", batch(100).nbytes)
    monkeypatch.setattr(parquet, "REMOTE_ROW_GROUP_BYTES", batch(200).nbytes)
    bucket = Bucket()
    file = parquet.ParquetFile(cast("Warehouse", bucket), "s3://bucket/file.parquet", SCHEMA)
    for _ in range(5):
        file.write(batch(100))
    file.close()

    metadata = pq.read_metadata(pa.BufferReader(bucket.sink.getvalue()))
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [200, 200, 100]


def test_a_value_that_does_not_fit_is_no_silent_cast(warehouse: Warehouse) -> None:
    """Values of the source are cast without loss or not at all."""
    wide = pa.RecordBatch.from_pydict({"n": pa.array([2**40], pa.int64())})
    file = parquet.ParquetFile(warehouse, f"{warehouse.uri}/n.parquet", pa.schema([numbered("n", pa.int32(), 1)]))
    file.write(wide)

    with pytest.raises(pa.ArrowInvalid):
        file.flush()
    file.abandon()


@pytest.mark.parametrize("rows", [0, 10])
def test_an_abandoned_file_says_nothing_afterwards(warehouse: Warehouse, rows: int) -> None:
    """No footer is written into a closed sink when the writer is collected: pytest makes that an error."""
    file = parquet.ParquetFile(warehouse, f"{warehouse.uri}/left.parquet", SCHEMA)
    file.write(batch(10))
    if rows:
        file.flush()

    file.abandon()
    del file
    gc.collect()

    with pytest.raises(DataError, match=r"left\.parquet"):
        parquet.footer(warehouse, f"{warehouse.uri}/left.parquet", SCHEMA)


def other(position: int, field: pa.Field | None) -> pa.Schema:
    """The schema with another field, or none, at a position."""
    fields = list(SCHEMA)
    fields[position : position + 1] = [field] if field else []
    return pa.schema(fields)


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(other(3, numbered("symbol", pa.string(), 40)), id="another field id"),
        pytest.param(other(3, numbered("sybmol", pa.string(), 4)), id="another name"),
        pytest.param(other(3, numbered("symbol", pa.string(), 4, nullable=True)), id="another nullability"),
        pytest.param(other(3, numbered("symbol", pa.binary(), 4)), id="another type"),
        pytest.param(other(1, numbered("price", pa.decimal128(18, 7), 2)), id="another scale"),
        pytest.param(other(0, numbered("ts", pa.timestamp("us"), 1)), id="another zone"),
        pytest.param(other(4, numbered("id", pa.binary(16), 5)), id="no UUID"),
        pytest.param(
            other(5, numbered("tags", pa.list_(numbered("element", pa.string(), 7)), 6, nullable=True)),
            id="required elements",
        ),
        pytest.param(
            other(5, numbered("tags", pa.list_(numbered("element", pa.string(), 8, nullable=True)), 6, nullable=True)),
            id="element id",
        ),
        pytest.param(other(5, None), id="a column less"),
        pytest.param(pa.schema([*SCHEMA, numbered("more", pa.string(), 9)]), id="a column more"),
        pytest.param(pa.schema([SCHEMA.field(1), SCHEMA.field(0), *list(SCHEMA)[2:]]), id="another order"),
    ],
)
def test_a_footer_that_differs_from_the_table_is_refused(warehouse: Warehouse, expected: pa.Schema) -> None:
    """Names, ids, types and nullability, inside lists too."""
    uri = written(warehouse, [batch()])

    assert parquet.footer(warehouse, uri, SCHEMA).num_rows == 1
    with pytest.raises(DataError, match=r"file\.parquet"):
        parquet.footer(warehouse, uri, expected)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a Parquet file, whatever its name says"])
def test_a_file_that_is_not_parquet_is_refused(warehouse: Warehouse, tmp_path: Path, content: bytes) -> None:
    """Named, and nothing is published."""
    (tmp_path / "odd.parquet").write_bytes(content)

    with pytest.raises(DataError, match=r"odd\.parquet"):
        parquet.footer(warehouse, f"{warehouse.uri}/odd.parquet", SCHEMA)


def test_a_missing_file_is_an_error(warehouse: Warehouse) -> None:
    """A translated error, not one of the operating system."""
    with pytest.raises(OffloadError, match=r"gone\.parquet") as caught:
        parquet.footer(warehouse, f"{warehouse.uri}/gone.parquet", SCHEMA)

    assert not isinstance(caught.value, ConfigurationError)
