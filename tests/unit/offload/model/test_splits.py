"""Batches, chunks and splits: every tick exactly once, equal timestamps together, rows bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from offload.model import splits
from offload.model.splits import BucketCount, Chunk
from offload.model.windows import Window

SECOND = 10**6
DAY = 86_400 * SECOND
Row = tuple[str, int]

# Ticks close together, as those of trades, and far apart, as after an outage; three symbols.
times = st.integers(-3 * DAY, 3 * DAY) | st.integers(0, 50) | st.integers(DAY - 5, DAY + 5)
rows_of_a_window = st.lists(st.tuples(st.sampled_from(["ADA", "BTC", "ETH"]), times), max_size=60)


def counting(rows: Sequence[Row], *, clustered: bool) -> splits.Count:
    """Count rows as the hot table does: per bucket of ticks, and per day and symbol if `clustered`."""

    def count(window: Window, bucket: int) -> list[BucketCount]:
        inside = [(s, t) for s, t in rows if (window.low is None or t > window.low) and t <= window.high]
        found = Counter(
            ((str(t // DAY),) if clustered else (), s if clustered else None, t // bucket * bucket) for s, t in inside
        )
        return [BucketCount(*key, number) for key, number in sorted(found.items(), key=str)]

    return count


def is_in(window: Window, ticks: int) -> bool:
    """True if the tick is in the window."""
    return (window.low is None or ticks > window.low) and ticks <= window.high


@given(rows_of_a_window, st.integers(1, 20), st.none() | st.integers(-4 * DAY, 0))
def test_batches_are_contiguous_and_cover_each_row_once(rows: list[Row], limit: int, low: int | None) -> None:
    """From the window's low to its end, without a gap and without an overlap."""
    window = Window(low, 4 * DAY)

    cut = list(splits.batches(window, 6, limit, counting(rows, clustered=False)))
    taken = Counter(sum(is_in(batch, ticks) for batch in cut) for _, ticks in rows if is_in(window, ticks))

    assert set(taken) <= {1}
    assert all(one.high == other.low for one, other in pairwise(cut))
    assert not cut or cut[0].low == window.low
    assert cut == [] or cut[-1].high <= window.high


@given(rows_of_a_window, st.integers(1, 20), st.integers(1, 2 * DAY))
def test_the_rows_of_a_batch_lie_within_its_span(rows: list[Row], limit: int, span: int) -> None:
    """Whatever the limit of rows; every row is in one batch, and rows of one tick stay together."""
    cut = list(splits.batches(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=False), span))
    taken = [[ticks for _, ticks in rows if is_in(batch, ticks)] for batch in cut]

    assert sorted(ticks for inside in taken for ticks in inside) == sorted(ticks for _, ticks in rows)
    assert all(max(inside) - min(inside) < span for inside in taken)


@given(rows_of_a_window, st.integers(1, 20))
def test_a_batch_exceeds_its_bound_only_for_a_single_tick(rows: list[Row], limit: int) -> None:
    """If a batch has more rows than the limit, all of them have one tick."""
    for batch in splits.batches(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=False)):
        inside = [ticks for _, ticks in rows if is_in(batch, ticks)]

        assert len(inside) <= limit or len(set(inside)) == 1


@given(rows_of_a_window, st.integers(1, 20))
def test_chunks_cover_each_row_once_within_one_partition(rows: list[Row], limit: int) -> None:
    """Each row is in one chunk, by its day, its symbol and its tick; the planned count is the real one."""
    planned = splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True))

    rows_of = Counter(chunk for row in rows for chunk in planned if _has(chunk, row))

    assert all(sum(_has(chunk, row) for chunk in planned) == 1 for row in rows)
    assert all(rows_of[chunk] == chunk.rows for chunk in planned)


@given(rows_of_a_window, st.integers(1, 20))
def test_a_chunk_exceeds_its_bound_only_for_a_single_tick(rows: list[Row], limit: int) -> None:
    """Memory is bounded by the chunk: only the rows of one tick of one symbol may be more."""
    for chunk in splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True)):
        inside = {row for row in rows if _has(chunk, row)}

        assert chunk.rows <= limit or len(inside) == 1


@given(rows_of_a_window, st.integers(1, 20), st.integers(1, 40))
def test_splits_have_every_chunk_once_and_one_partition_each(rows: list[Row], limit: int, per_file: int) -> None:
    """Files have whole chunks of one day, in their order."""
    planned = splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True))

    made = splits.splits(planned, per_file)

    assert [chunk for split in made for chunk in split.chunks] == planned
    assert all(len({chunk.partition for chunk in split.chunks}) == 1 for split in made)
    assert [split.number for split in made] == list(range(len(made)))
    assert all(split.rows - split.chunks[-1].rows < per_file for split in made), "only its last chunk fills a file"


def _has(chunk: Chunk, row: Row) -> bool:
    symbol, ticks = row
    in_range = chunk.clusters is None or chunk.clusters[0] <= symbol <= chunk.clusters[1]
    return chunk.partition == (str(ticks // DAY),) and in_range and is_in(chunk.window, ticks)


def test_a_partition_of_several_symbols_gets_several_files() -> None:
    """So that a filter on one symbol can skip files."""
    rows = [(symbol, ticks) for symbol in ("ADA", "BTC", "ETH", "XRP") for ticks in range(100)]

    made = splits.splits(splits.chunks(Window(None, DAY), 6, 10**6, counting(rows, clustered=True)), 10**6)

    assert [split.rows for split in made] == [200, 200]
