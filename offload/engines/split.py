"""The one function that every engine runs: read one split, write it as one data file."""

from __future__ import annotations

from typing import Any

from offload.model import Split, WrittenFile
from offload.planning import look_at
from offload.ports import HotTable, Tell
from offload.steps import Event
from offload.storage import Storage


def write_split(hot: HotTable, split: Split, schema: Any, storage: Storage, tell: Tell) -> WrittenFile:
    """
    Read the pieces of a split in order and write them to its own file.

    The rows are looked at before they are read: what that look saw is what the stored rows are later held against.
    How many arrived is not checked here, since a stream that ends is no proof that it was whole.

    Raises:
        Unavailable: The source or the store failed; a file that was begun is an orphan.
        DataError: A row that cannot be carried.
    """
    from offload.parquet import ParquetFile

    tell(Event.SPLIT_STARTED, split.rows)
    seen = look_at(hot, split)
    with storage.translated():
        file = ParquetFile(storage, split.path, schema)
    try:
        for piece in split.pieces:
            for batch in hot.read(piece):
                with storage.translated():
                    file.write(batch)
            with storage.translated():
                file.flush()
        with storage.translated():
            size = file.close()
    except BaseException:
        file.abandon()
        raise
    tell(Event.FILE_WRITTEN, file.rows)
    return WrittenFile(split, split.path, file.rows, size, seen)
