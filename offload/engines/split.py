"""The one function that every engine runs: read one split, write it as one data file."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from offload.errors import KeysDoubled
from offload.io.warehouse import Storage
from offload.model.cold_table import WrittenFile
from offload.model.fingerprint import UNSEEN, Seen
from offload.model.splits import Piece, Split
from offload.model.steps import Event
from offload.ports.engine import Tell
from offload.ports.source import HotTable

if TYPE_CHECKING:
    from offload.iceberg.parquet import ParquetFile


def write_split(hot: HotTable, split: Split, schema: Any, storage: Storage, tell: Tell) -> WrittenFile:
    """
    Read the pieces of a split in order and write them to its own file.

    What the source says that it sent is what the stored rows are later held against; what arrived here proves nothing.

    Raises:
        Unavailable: The source or the store failed; a file that was begun is an orphan.
        DataError: A row that cannot be carried.
    """
    tell(Event.SPLIT_STARTED, split.rows)
    try:
        written = _written(hot, split, schema, storage)
    except KeysDoubled:  # what was written holds a row twice: it is an orphan, and the same rows go to another file
        again = replace(split, path=f"{split.path.removesuffix('.parquet')}-once.parquet")
        written = _written(hot, again, schema, storage)
    tell(Event.FILE_WRITTEN, written.rows)
    return written


def _written(hot: HotTable, split: Split, schema: Any, storage: Storage) -> WrittenFile:
    from offload.iceberg.parquet import ParquetFile

    with storage.translated():
        file = ParquetFile(storage, split.path, schema)
    try:
        seen = reduce(add, (_copy(hot, piece, file, storage) for piece in split.pieces), UNSEEN)
        with storage.translated():
            size = file.close()
    except BaseException:
        file.abandon()
        raise
    return WrittenFile(split, split.path, file.rows, size, seen)


def _copy(hot: HotTable, piece: Piece, file: ParquetFile, storage: Storage) -> Seen:
    """One piece into the file; rows are let go as soon as they are written."""
    reading = hot.read(piece)
    with closing(reading.batches) as batches:
        for batch in batches:
            with storage.translated():
                file.write(batch)
    with storage.translated():
        file.flush()
    return reading.seen()
