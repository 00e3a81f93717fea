"""The function that every engine runs: read one split, write it as one data file."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from offload.io.warehouse import Warehouse
from offload.model.cold_table import WrittenFile
from offload.model.fingerprint import NO_ROWS, SourceFingerprint
from offload.model.splits import Chunk, Split
from offload.model.steps import Event
from offload.ports.engine import Emit
from offload.ports.source import DuplicateKeys, HotRows

if TYPE_CHECKING:
    from offload.iceberg.parquet import ParquetFile


def write_split(rows: HotRows, split: Split, schema: Any, warehouse: Warehouse, emit: Emit) -> WrittenFile:
    """
    Read the chunks of a split in order and write them to its own file.

    The source's own fingerprint of the rows is returned with the file: the stored file is compared with it later, since
    the rows that arrived here do not prove what is stored.

    Raises:
        Unavailable: The source or the store failed; a file that was begun is an orphan.
        DataError: A value does not fit its Iceberg type, or a key has two contents.
    """
    emit(Event.SPLIT_STARTED, split.rows)
    try:
        written = _write(rows, split, schema, warehouse)
    except DuplicateKeys:  # the file has a row twice: it is an orphan, and the same rows go to another file
        again = replace(split, path=f"{split.path.removesuffix('.parquet')}-once.parquet")
        written = replace(_write(rows.deduplicated(), again, schema, warehouse), deduplicated=True)
    emit(Event.FILE_WRITTEN, written.rows)
    return written


def _write(rows: HotRows, split: Split, schema: Any, warehouse: Warehouse) -> WrittenFile:
    from offload.iceberg.parquet import ParquetFile

    with warehouse.translate_errors():
        file = ParquetFile(warehouse, split.path, schema)
    try:
        source = reduce(add, (_copy(rows, chunk, file, warehouse) for chunk in split.chunks), NO_ROWS)
        with warehouse.translate_errors():
            size = file.close()
    except BaseException:
        file.abandon()
        raise
    return WrittenFile(split, split.path, file.rows, size, source)


def _copy(rows: HotRows, chunk: Chunk, file: ParquetFile, warehouse: Warehouse) -> SourceFingerprint:
    """Write one chunk into the file; its rows are freed as soon as they are written."""
    stream = rows.read(chunk)
    with closing(stream.batches) as batches:
        for batch in batches:
            with warehouse.translate_errors():
                file.write(batch)
    with warehouse.translate_errors():
        file.flush()
    return stream.fingerprint()
