"""The one function that every engine runs: read one split, write it as one data file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.model import UNSEEN, Piece, Seen, Split, WrittenFile
from offload.ports import HotTable, Tell
from offload.steps import Event
from offload.storage import Storage

if TYPE_CHECKING:
    from offload.parquet import ParquetFile


def write_split(hot: HotTable, split: Split, schema: Any, storage: Storage, tell: Tell) -> WrittenFile:
    """
    Read the pieces of a split in order and write them to its own file.

    What the source says that it sent is what the stored rows are later held against; what arrived here proves nothing.

    Raises:
        Unavailable: The source or the store failed; a file that was begun is an orphan.
        DataError: A row that cannot be carried.
    """
    from offload.parquet import ParquetFile

    tell(Event.SPLIT_STARTED, split.rows)
    seen = UNSEEN
    with storage.translated():
        file = ParquetFile(storage, split.path, schema)
    try:
        for piece in split.pieces:
            seen += _copy(hot, piece, file, storage)
        with storage.translated():
            size = file.close()
    except BaseException:
        file.abandon()
        raise
    tell(Event.FILE_WRITTEN, file.rows)
    return WrittenFile(split, split.path, file.rows, size, seen)


def _copy(hot: HotTable, piece: Piece, file: ParquetFile, storage: Storage) -> Seen:
    """One piece into the file, as a row group; its rows are let go before the next piece is read."""
    reading = hot.read(piece)
    with storage.translated():
        for batch in reading.batches:
            file.write(batch)
        file.flush()
    return reading.seen
