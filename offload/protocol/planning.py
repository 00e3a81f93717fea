"""How a batch is cut: pieces that one query reads, files of a good size, and where each goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from offload.model import windows
from offload.model.cold_table import (
    PartitionField,
    Seen,
    Split,
    Window,
)
from offload.ports.source import HotTable

PIECE_ROWS = 500_000  # one query reads and hashes as many; whoever reads them holds a list of their keys
FILE_BYTES = 256 * 2**20
FILE_ROWS = 20_000_000


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
    in_file = hot.stored_bytes_per_row
    file_rows = min(FILE_ROWS, int(FILE_BYTES / in_file)) if in_file else FILE_ROWS
    pieces = windows.pieces(
        window, hot.shape.precision, PIECE_ROWS, lambda part, bucket: hot.cells(part, bucket, clustered=True)
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
    return reduce(add, map(hot.look, split.pieces))


def _folder(fields: tuple[PartitionField, ...], split: Split) -> str:
    values = zip(fields, split.pieces[0].partition, strict=True)
    return "".join(f"{field.column}_{field.transform}={_safe(value)}/" for field, value in values)


def _safe(value: str) -> str:
    """A value as a folder name; the folder is for people, Iceberg reads the partition from the manifest."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in value)[:64] or "_"
