"""How a batch is cut: pieces that one query reads, files of a good size, and where each goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from offload.model import splits, windows
from offload.model.cold_table import TableState
from offload.model.splits import Split
from offload.model.table import PartitionField
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.adapters import Adapters

CHUNK_ROWS = 500_000  # one query reads and hashes as many; whoever reads them holds a list of their keys
FILE_BYTES = 256 * 2**20
FILE_ROWS = 20_000_000


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
    chunks = splits.chunks(
        window, hot.schema.precision, CHUNK_ROWS, lambda part, bucket: hot.count_by_bucket(part, bucket, clustered=True)
    )
    fields = hot.schema.spec.partition
    return [
        replace(
            split,
            path=f"{location}/data/{_folder(fields, split)}{attempt}-{window.high}-{split.number:05d}.parquet",
        )
        for split in splits.splits(chunks, max(1, file_rows))
    ]


def _folder(fields: tuple[PartitionField, ...], split: Split) -> str:
    values = zip(fields, split.chunks[0].partition, strict=True)
    return "".join(f"{field.column}_{field.transform}={_safe(value)}/" for field, value in values)


def _safe(value: str) -> str:
    """A value as a folder name; the folder is for people, Iceberg reads the partition from the manifest."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in value)[:64] or "_"


def choose_window(
    adapters: Adapters, hot: HotTable, state: TableState | None, until: str | None, server_now: int, own_now: int
) -> Window:
    """The window after the watermark, up to the earlier of two clocks (microseconds UTC) less the buffer."""
    precision = hot.schema.precision
    limit = None if until is None else windows.ticks_of(until, precision)
    high = windows.window_end(server_now, own_now, adapters.limits.buffer, precision, limit)
    return Window(state.token.watermark_ticks if state and state.token else None, high)


def batches(adapters: Adapters, hot: HotTable, window: Window, rows: int) -> Sequence[Window]:
    """The window in batches of bounded rows."""
    if rows <= adapters.limits.batch_rows:
        return [window] if rows else []
    return list(
        splits.batches(
            window,
            hot.schema.precision,
            adapters.limits.batch_rows,
            lambda part, bucket: hot.count_by_bucket(part, bucket, clustered=False),
        )
    )


@dataclass(frozen=True)
class Batch:
    """What one commit is to publish: a window, its raw rows, and the files they go to."""

    window: Window
    raw_rows: int
    splits: tuple[Split, ...]
