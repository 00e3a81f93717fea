"""Batches, chunks and splits: pure arithmetic on ticks and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from offload.model.windows import DAY, HOUR, MINUTE, SECOND, Window, clip

# A partition of several clusters gets at least this many files, so that a filter on one cluster skips some.
FILES_PER_PARTITION = 2


class BatchKind(StrEnum):
    """Which rows of its window a batch has."""

    NEW = "new"
    LATE = "late"  # those whose keys cold lacks, below the watermark
    CHANGED = "changed"  # those whose keys cold has with another content


@dataclass(frozen=True)
class Chunk:
    """
    The rows that one query reads: of one partition, between two values of the cluster column, within a window.

    `partition` holds SQL literals, one per partition field; `clusters` is an inclusive range of the first sort column
    where that column is not the timestamp. `rows` is the planned count.
    """

    window: Window
    partition: tuple[str, ...] = ()
    clusters: tuple[str, str] | None = None
    rows: int = 0


@dataclass(frozen=True)
class Split:
    """The plan of one data file: chunks of one partition in sort order, and the path of the file. Can be pickled."""

    number: int
    chunks: tuple[Chunk, ...]
    path: str = ""

    @property
    def rows(self) -> int:
        """Planned rows; the hot table may have changed since."""
        return sum(chunk.rows for chunk in self.chunks)


@dataclass(frozen=True)
class BucketCount:
    """Rows counted in one bucket of ticks `[start, start + bucket)` of one partition and cluster."""

    partition: tuple[str, ...]
    cluster: str | None
    start: int
    rows: int


Count = Callable[[Window, int], Sequence[BucketCount]]
"""Counts a window in buckets of so many ticks, in ascending order of their keys."""


def granularities(precision: int) -> list[int]:
    """Bucket sizes in ticks, from a day down to one tick."""
    ticks = 10**precision
    fine = [10**digits for digits in range(precision - 1, -1, -1)]
    return [DAY * ticks, HOUR * ticks, MINUTE * ticks, SECOND * ticks, *fine]


def batches(window: Window, precision: int, limit: int, count: Count, span: int | None = None) -> Iterator[Window]:
    """
    Cut a window into consecutive windows of at most `limit` rows each; rows of one tick stay together.

    The rows of one lie within `span` ticks; None: as far apart as they are. A time without rows makes no batch: the
    last batch ends at the window's end.
    """
    low, rows, first = window.low, 0, 0
    sizes = [size for size in granularities(precision) if span is None or size <= span] or [1]
    for bucket, size in _fine_enough(window, sizes, limit, count):
        too_long = span is not None and bucket.start + size - first > span
        if rows and (rows + bucket.rows > limit or too_long):
            yield Window(low, bucket.start - 1)
            low, rows = bucket.start - 1, 0
        first = first if rows else bucket.start
        rows += bucket.rows
        if rows > limit:
            end = min(bucket.start + size - 1, window.high)
            yield Window(low, end)
            low, rows = end, 0
    if rows:
        yield Window(low, window.high)


def _fine_enough(window: Window, sizes: list[int], limit: int, count: Count) -> Iterator[tuple[BucketCount, int]]:
    """Cells in ascending order, each of at most `limit` rows or of one tick."""
    for bucket in sorted(count(window, sizes[0]), key=lambda bucket: bucket.start):
        if bucket.rows <= limit or len(sizes) == 1:
            yield bucket, sizes[0]
        else:
            yield from _fine_enough(clip(window, bucket.start, sizes[0]), sizes[1:], limit, count)


def chunks(window: Window, precision: int, limit: int, count: Count) -> list[Chunk]:
    """
    Cut one batch into chunks of about `limit` rows, in the order of partition, cluster and time.

    Whole clusters share a chunk while they fit; a larger cluster is cut in time, down to one tick.
    """
    sizes = granularities(precision)[2:]
    found = sorted(count(window, sizes[0]), key=lambda bucket: (bucket.partition, bucket.cluster or "", bucket.start))
    made: list[Chunk] = []
    for partition, in_partition in groupby(found, key=lambda bucket: bucket.partition):
        clusters = [list(buckets) for _, buckets in groupby(in_partition, key=lambda bucket: bucket.cluster)]
        total = sum(bucket.rows for buckets in clusters for bucket in buckets)
        fair = -(-total // FILES_PER_PARTITION) if len(clusters) > 1 else limit
        made += _partition_chunks(window, partition, clusters, sizes, min(limit, fair), count)
    return made


def _partition_chunks(
    window: Window,
    partition: tuple[str, ...],
    clusters: list[list[BucketCount]],
    sizes: list[int],
    limit: int,
    count: Count,
) -> list[Chunk]:
    made: list[Chunk] = []
    growing = False
    for buckets in clusters:
        rows = sum(bucket.rows for bucket in buckets)
        if rows > limit:
            made += _cut_cluster(window, buckets, sizes, limit, count)
            growing = False
        elif growing and made[-1].rows + rows <= limit:
            last = made.pop()
            made.append(Chunk(window, partition, _span(last.clusters, buckets[0].cluster), last.rows + rows))
        else:
            made.append(Chunk(window, partition, _span(None, buckets[0].cluster), rows))
            growing = True
    return made


def _span(clusters: tuple[str, str] | None, cluster: str | None) -> tuple[str, str] | None:
    return None if cluster is None else (clusters[0] if clusters else cluster, cluster)


def _cut_cluster(window: Window, buckets: list[BucketCount], sizes: list[int], limit: int, count: Count) -> list[Chunk]:
    partition, cluster = buckets[0].partition, buckets[0].cluster
    fine: list[tuple[BucketCount, int]] = []
    for bucket in buckets:
        fine += _finer(window, bucket, sizes, limit, count)
    made: list[Chunk] = []
    low, rows = window.low, 0
    for bucket, _ in fine:
        if rows and rows + bucket.rows > limit:
            made.append(Chunk(Window(low, bucket.start - 1), partition, _span(None, cluster), rows))
            low, rows = bucket.start - 1, 0
        rows += bucket.rows
    made.append(Chunk(Window(low, window.high), partition, _span(None, cluster), rows))
    return made


def _finer(
    window: Window, bucket: BucketCount, sizes: list[int], limit: int, count: Count
) -> list[tuple[BucketCount, int]]:
    if bucket.rows <= limit or len(sizes) == 1:
        return [(bucket, sizes[0])]
    within = count(clip(window, bucket.start, sizes[0]), sizes[1])
    same = sorted(
        (part for part in within if (part.partition, part.cluster) == (bucket.partition, bucket.cluster)),
        key=lambda part: part.start,
    )
    return [part for one in same for part in _finer(window, one, sizes[1:], limit, count)]


def splits(planned: Sequence[Chunk], rows_per_file: int) -> list[Split]:
    """Gather chunks of one partition into files of about `rows_per_file` rows, in order."""
    made: list[Split] = []
    for _, group in groupby(planned, key=lambda chunk: chunk.partition):
        of_partition = list(group)
        several = len({chunk.clusters for chunk in of_partition}) > 1
        total = sum(chunk.rows for chunk in of_partition)
        target = min(rows_per_file, -(-total // FILES_PER_PARTITION)) if several else rows_per_file
        for chunks_of_file in _filled(of_partition, target):
            made.append(Split(len(made), tuple(chunks_of_file)))
    return made


def _filled(planned: Sequence[Chunk], target: int) -> Iterator[list[Chunk]]:
    """A file ends with the chunk that fills it, so the rest is never a very small file."""
    held: list[Chunk] = []
    for chunk in planned:
        held.append(chunk)
        if sum(one.rows for one in held) >= target:
            yield held
            held = []
    if held:
        yield held
