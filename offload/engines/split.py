"""The one function that every engine runs: read one split, write it as one data file."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from offload.errors import DuplicateKeys
from offload.io.warehouse import Warehouse
from offload.model.cold_table import WrittenFile
from offload.model.fingerprint import NO_ROWS, SourceFingerprint
from offload.model.splits import Chunk, Split
from offload.model.steps import Event
from offload.ports.engine import Emit
from offload.ports.source import HotTable

if TYPE_CHECKING:
    from offload.iceberg.parquet import ParquetFile


def write_split(hot: HotTable, split: Split, schema: Any, warehouse: Warehouse, emit: Emit) -> WrittenFile:
    """
    Read the pieces of a split in order and write them to its own file.

    What the source says that it sent is what the stored rows are later held against; what arrived here proves nothing.

    Raises:
        Unavailable: The source or the store failed; a file that was begun is an orphan.
        DataError: A row that cannot be carried.
    """
    emit(Event.SPLIT_STARTED, split.rows)
    try:
        written = _written(hot, split, schema, warehouse)
    except DuplicateKeys:  # what was written holds a row twice: it is an orphan, and the same rows go to another file
        again = replace(split, path=f"{split.path.removesuffix('.parquet')}-once.parquet")
        written = _written(hot, again, schema, warehouse)
    emit(Event.FILE_WRITTEN, written.rows)
    return written


def _written(hot: HotTable, split: Split, schema: Any, warehouse: Warehouse) -> WrittenFile:
    from offload.iceberg.parquet import ParquetFile

    with warehouse.translate_errors():
        file = ParquetFile(warehouse, split.path, schema)
    try:
        seen = reduce(add, (_copy(hot, chunk, file, warehouse) for chunk in split.chunks), NO_ROWS)
        with warehouse.translate_errors():
            size = file.close()
    except BaseException:
        file.abandon()
        raise
    return WrittenFile(split, split.path, file.rows, size, seen)


def _copy(hot: HotTable, chunk: Chunk, file: ParquetFile, warehouse: Warehouse) -> SourceFingerprint:
    """One piece into the file; rows are let go as soon as they are written."""
    reading = hot.read(chunk)
    with closing(reading.batches) as batches:
        for batch in batches:
            with warehouse.translate_errors():
                file.write(batch)
    with warehouse.translate_errors():
        file.flush()
    return reading.seen()
