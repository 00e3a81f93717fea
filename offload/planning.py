"""How a batch is cut: pieces that fit in memory, files of a good size, and where each goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from offload import windows
from offload.model import PartitionField, Seen, Split, Window
from offload.ports import HotTable

PIECE_BYTES = 12 * 2**20  # of Arrow data; what one query returns, held whole where the engine does not stream
PIECE_ROWS = 500_000
LOOK_ROWS = 500_000  # hashed in one query; it holds a set of their keys
FILE_BYTES = 256 * 2**20
FILE_ROWS = 20_000_000
_ARROW_OVER_NATIVE = 1.3  # offsets and low-cardinality text weigh more in Arrow than in ClickHouse


@dataclass(frozen=True)
class Limits:
    """`buffer` is in seconds; `batch_rows` is what one commit publishes at most."""

    buffer: float
    batch_rows: int


def plan_splits(hot: HotTable, window: Window, location: str, attempt: str) -> list[Split]:
    """
    Cut one batch into files-to-be under this attempt's own names.

    Args:
        hot: The table.
        window: The batch.
        location: The cold table's folder.
        attempt: Part of every file name; no other run or epoch uses it.
    """
    in_memory, in_file = hot.bytes_per_row
    piece_rows = min(PIECE_ROWS, int(PIECE_BYTES / (in_memory * _ARROW_OVER_NATIVE))) if in_memory else PIECE_ROWS
    file_rows = min(FILE_ROWS, int(FILE_BYTES / in_file)) if in_file else FILE_ROWS
    pieces = windows.pieces(
        window,
        hot.shape.precision,
        max(1, piece_rows),
        lambda part, bucket: hot.cells(part, bucket, clustered=True),
    )
    fields = hot.shape.spec.partition
    return [
        replace(
            split, path=f"{location}/data/{_folder(fields, split)}{attempt}-{window.high}-{split.number:05d}.parquet"
        )
        for split in windows.splits(pieces, max(1, file_rows))
    ]


def look_at(hot: HotTable, split: Split) -> Seen:
    """
    Fingerprint the hot rows of a split.

    Raises:
        DataError: A value that cannot be carried, or a key with two contents.
    """
    return reduce(add, (hot.look(piece) for piece in windows.joined(split.pieces, LOOK_ROWS)))


def _folder(fields: tuple[PartitionField, ...], split: Split) -> str:
    values = zip(fields, split.pieces[0].partition, strict=True)
    return "".join(f"{field.column}_{field.transform}={_safe(value)}/" for field, value in values)


def _safe(value: str) -> str:
    """A value as a folder name; the folder is for people, Iceberg reads the partition from the manifest."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in value)[:64] or "_"
