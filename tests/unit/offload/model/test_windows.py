"""Windows, batches, pieces and splits: every tick exactly once, no tie cut, rows bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.model import splits, windows
from offload.model.splits import BucketCount, Chunk
from offload.model.windows import Window

SECOND = 10**6
DAY = 86_400 * SECOND
Row = tuple[str, int]

# Ticks that lie together, as trades do, and far apart, as outages do; two symbols.
times = st.integers(-3 * DAY, 3 * DAY) | st.integers(0, 50) | st.integers(DAY - 5, DAY + 5)
rows_of_a_window = st.lists(st.tuples(st.sampled_from(["ADA", "BTC", "ETH"]), times), max_size=60)


def counting(rows: Sequence[Row], *, clustered: bool) -> splits.Count:
    """Count rows as the hot table does: buckets of ticks, per day and symbol where that is asked."""

    def count(window: Window, bucket: int) -> list[BucketCount]:
        inside = [(s, t) for s, t in rows if (window.low is None or t > window.low) and t <= window.high]
        found = Counter(
            ((str(t // DAY),) if clustered else (), s if clustered else None, t // bucket * bucket) for s, t in inside
        )
        return [BucketCount(*key, number) for key, number in sorted(found.items(), key=str)]

    return count


def lies_in(window: Window, ticks: int) -> bool:
    """Whether a tick is one of the window's."""
    return (window.low is None or ticks > window.low) and ticks <= window.high


@given(rows_of_a_window, st.integers(1, 20), st.none() | st.integers(-4 * DAY, 0))
def test_batches_are_contiguous_and_cover_each_row_once(rows: list[Row], limit: int, low: int | None) -> None:
    """From the window's low to its end, without a gap and without an overlap."""
    window = Window(low, 4 * DAY)

    cut = list(splits.batches(window, 6, limit, counting(rows, clustered=False)))
    taken = Counter(sum(lies_in(batch, ticks) for batch in cut) for _, ticks in rows if lies_in(window, ticks))

    assert set(taken) <= {1}
    assert all(one.high == other.low for one, other in pairwise(cut))
    assert not cut or cut[0].low == window.low
    assert cut == [] or cut[-1].high <= window.high


@given(rows_of_a_window, st.integers(1, 20))
def test_a_batch_exceeds_its_bound_only_for_a_single_tie(rows: list[Row], limit: int) -> None:
    """More rows than the limit: all of them share one tick."""
    for batch in splits.batches(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=False)):
        inside = [ticks for _, ticks in rows if lies_in(batch, ticks)]

        assert len(inside) <= limit or len(set(inside)) == 1


@given(rows_of_a_window, st.integers(1, 20))
def test_pieces_cover_each_row_once_within_one_partition(rows: list[Row], limit: int) -> None:
    """A row lies in one piece: its day, its symbol's range and its window say so; the planned count is the real one."""
    planned = splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True))

    held = Counter(chunk for row in rows for chunk in planned if _holds(chunk, row))

    assert all(sum(_holds(chunk, row) for chunk in planned) == 1 for row in rows)
    assert all(held[chunk] == chunk.rows for chunk in planned)


@given(rows_of_a_window, st.integers(1, 20))
def test_a_piece_exceeds_its_bound_only_for_a_single_tie(rows: list[Row], limit: int) -> None:
    """Memory is bounded by the piece: only one tick of one symbol may be larger."""
    for chunk in splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True)):
        inside = {row for row in rows if _holds(chunk, row)}

        assert chunk.rows <= limit or len(inside) == 1


@given(rows_of_a_window, st.integers(1, 20), st.integers(1, 40))
def test_splits_hold_every_piece_once_and_one_partition_each(rows: list[Row], limit: int, per_file: int) -> None:
    """Files are made of whole pieces, in their order, of one day."""
    planned = splits.chunks(Window(None, 4 * DAY), 6, limit, counting(rows, clustered=True))

    made = splits.splits(planned, per_file)

    assert [chunk for split in made for chunk in split.chunks] == planned
    assert all(len({chunk.partition for chunk in split.chunks}) == 1 for split in made)
    assert [split.number for split in made] == list(range(len(made)))
    assert all(split.rows - split.chunks[-1].rows < per_file for split in made), "only its last piece fills a file"


def _holds(chunk: Chunk, row: Row) -> bool:
    symbol, ticks = row
    in_range = chunk.clusters is None or chunk.clusters[0] <= symbol <= chunk.clusters[1]
    return chunk.partition == (str(ticks // DAY),) and in_range and lies_in(chunk.window, ticks)


def test_a_partition_of_several_symbols_gets_several_files() -> None:
    """So that a filter on one symbol can skip some."""
    rows = [(symbol, ticks) for symbol in ("ADA", "BTC", "ETH", "XRP") for ticks in range(100)]

    made = splits.splits(splits.chunks(Window(None, DAY), 6, 10**6, counting(rows, clustered=True)), 10**6)

    assert [split.rows for split in made] == [200, 200]


@pytest.mark.parametrize(("precision", "expected"), [(0, 99), (3, 99_000), (6, 99_000_001), (9, 99_000_001_000)])
def test_the_end_is_the_earlier_clock_less_the_buffer_floored(precision: int, expected: int) -> None:
    """Floored, so that no row that is yet to come shares the last tick."""
    assert windows.window_end(100 * SECOND + 1, 10**15, 1.0, precision, None) == expected
    assert windows.window_end(10**15, 100 * SECOND + 1, 1.0, precision, None) == expected


@pytest.mark.parametrize(("until", "expected"), [(None, 99_000), (98_000, 98_000), (99_000, 99_000), (200_000, 99_000)])
def test_until_can_only_lower_the_end(until: int | None, expected: int) -> None:
    """A later time changes nothing."""
    assert windows.window_end(100 * SECOND, 100 * SECOND, 1.0, 3, until) == expected


def test_a_time_before_1970_is_floored_downwards() -> None:
    """Towards the past, not towards zero."""
    assert windows.window_end(-1, 0, 0, 0, None) == -1


@pytest.mark.parametrize(
    ("text", "precision", "ticks"),
    [
        ("1970-01-01T00:00:01Z", 0, 1),
        ("1970-01-01T00:00:01.5", 6, 1_500_000),
        ("1970-01-01T02:00:00+02:00", 9, 0),
        ("1969-12-31T23:59:59.999999Z", 6, -1),
        ("1969-12-31T23:59:59.999999Z", 0, -1),
        ("1970-01-01", 3, 0),
    ],
)
def test_iso_8601_becomes_ticks(text: str, precision: int, ticks: int) -> None:
    """Without a zone it is UTC."""
    assert windows.ticks_of(text, precision) == ticks


@given(st.integers(-(2**53), 2**53))
def test_ticks_survive_being_shown(ticks: int) -> None:
    """What `--json` prints is what `--until` reads."""
    shown = windows.iso(ticks, 6)

    assert shown is not None
    assert windows.ticks_of(shown, 6) == ticks
