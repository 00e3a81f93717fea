"""
Parquet files through pyarrow.

Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/. Whole numbers (timestamps, sequences,
decimals of up to 18 digits, which Iceberg stores as integers) are delta-packed: smaller than PLAIN, and quicker to
compress. Field ids are Iceberg's, in `PARQUET:field_id`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from offload.errors import DataError, Unavailable
from offload.io.deadline import within
from offload.io.warehouse import Warehouse

_ZSTD_LEVEL = 3
_INTEGER_DECIMAL_DIGITS = 18
_SAMPLE_ROWS = 4096
_REPEATED = 4  # times that a value occurs on average; fewer, and a dictionary is not worth its cost
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_FIELD_ID = b"PARQUET:field_id"
_CLOSE_TIMEOUT = 2.0  # seconds
# Of Arrow data. A reader of a bucket makes a request per column and row group: row groups are larger there.
ROW_GROUP_BYTES = 20 * 2**20
REMOTE_ROW_GROUP_BYTES = 64 * 2**20


class ParquetFile:
    """
    A data file that is being written, in row groups of bounded size, so that memory is bounded.

    Rows must have the types of `schema`; widths and names may differ where a cast can correct them.
    """

    def __init__(self, warehouse: Warehouse, uri: str, schema: pa.Schema) -> None:
        self._schema = schema
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._row_group_bytes = REMOTE_ROW_GROUP_BYTES if warehouse.remote else ROW_GROUP_BYTES
        self.rows = 0
        self._sink = warehouse.create(uri)
        self._writer: Any = None

    def _open(self, first: pa.Table) -> Any:
        return pq.ParquetWriter(
            self._sink,
            first.schema,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=[path for path, values in _texts(first) if _repeats(values)],
            column_encoding={f.name: "DELTA_BINARY_PACKED" for f in self._schema if _whole_number(f.type)},
            store_decimal_as_integer=True,
            store_schema=False,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they are written when a row group is full."""
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes >= self._row_group_bytes:
            self.flush()

    def flush(self) -> None:
        """Write the row group."""
        if not self._held:
            return
        table = _as_stored(self._held, self._schema)
        self._held, self._held_bytes = [], 0
        self._writer = self._writer or self._open(table)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows

    def close(self) -> int:
        """Finish the file; return its size in bytes."""
        self.flush()
        writer = self._writer or self._open(self._schema.empty_table())
        writer.close()
        size = int(self._sink.tell())
        self._sink.close()
        return size

    def abandon(self) -> None:
        """Close a file that will not be finished; its uploaded part is an orphan."""
        self._held = []
        if self._writer:
            self._writer.is_open = (
                False  # else the writer writes a footer when it is collected, into a sink that is closed
            )
        # Closing sends the buffer: a store that has just been silent for a whole time-out gets no second one.
        with suppress(Unavailable, OSError):
            within(_CLOSE_TIMEOUT, "a file that is given up", self._sink.close)


def _as_stored(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The rows in the types of the file, or in types that the writer converts: dictionaries, 64-bit decimals."""
    table = pa.Table.from_batches(batches).unify_dictionaries().select(schema.names)
    kinds = [_to_write(came.type, field.type) for came, field in zip(table.schema, schema, strict=True)]
    return table.cast(pa.schema([field.with_type(kind) for field, kind in zip(schema, kinds, strict=True)]))


def _to_write(came: pa.DataType, stored: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(came):
        return _DICTIONARY
    return came if pa.types.is_decimal64(came) else stored


def _texts(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Text columns, those inside lists and maps too: their Parquet path, and the first values."""
    sample = table.slice(0, _SAMPLE_ROWS).combine_chunks()
    for field in table.schema:
        column = sample.column(field.name)
        if column.num_chunks:
            yield from _texts_within(field.name, column.chunk(0))


def _texts_within(path: str, values: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    if pa.types.is_map(values.type):
        yield from _texts_within(f"{path}.key_value.key", values.keys)
        yield from _texts_within(f"{path}.key_value.value", values.items)
    elif pa.types.is_list(values.type):
        yield from _texts_within(f"{path}.list.element", values.flatten())
    elif pa.types.is_string(values.type) or pa.types.is_dictionary(values.type):
        yield path, values


def _repeats(values: pa.Array) -> bool:
    """Whether a dictionary is worth its cost: for values that hardly repeat, it is built and then discarded."""
    return pa.types.is_dictionary(values.type) or len(values.unique()) * _REPEATED <= len(values)


def _whole_number(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _INTEGER_DECIMAL_DIGITS)
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def footer(warehouse: Warehouse, uri: str, schema: pa.Schema) -> pq.FileMetaData:
    """
    Read a stored file's footer, and compare names, field ids and types with the table's schema.

    Raises:
        DataError: They differ: readers would read other values.
        Unavailable: The file is gone.
    """
    with warehouse.translate_errors(), _opened(warehouse, uri) as source:
        try:
            file = pq.ParquetFile(source)
        except pa.ArrowInvalid as error:
            raise _wrong(uri, "a Parquet footer", str(error)) from error
        metadata, stored = file.metadata, file.schema_arrow
    for expected, found in zip(_described(schema), _described(stored), strict=False):
        if expected != found:
            raise _wrong(uri, expected, found)
    if len(stored) != len(schema):
        raise _wrong(uri, f"{len(schema)} columns", str(len(stored)))
    return metadata


def _opened(warehouse: Warehouse, uri: str) -> Any:
    try:
        return warehouse.open(uri)
    except FileNotFoundError as error:
        raise Unavailable(
            f"the file that was just written, {uri}",
            "no such file: another job, or the store, has removed it",
            "run the command again: nothing was published, and new files are written",
        ) from error


def _described(schema: pa.Schema) -> Iterator[str]:
    return (_describe(field) for field in schema)


def _describe(field: pa.Field) -> str:
    kind = field.type
    inner = [kind.key_field, kind.item_field] if pa.types.is_map(kind) else []
    inner = [kind.value_field] if pa.types.is_list(kind) else inner
    spelled = f"{'map' if len(inner) > 1 else 'list'}<{', '.join(map(_describe, inner))}>" if inner else str(kind)
    number = (field.metadata or {}).get(_FIELD_ID, b"none").decode()
    return f"{field.name} (field id {number}) {spelled}{'' if field.nullable else ' required'}"


def _wrong(uri: str, expected: str, found: str) -> DataError:
    return DataError(
        f"{expected} in {uri}", found, "run the command again: nothing was published, and new files are written"
    )
