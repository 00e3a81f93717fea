"""Windows and ticks: the end of a window, and conversion from and to ISO 8601."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.model import windows

SECOND = 10**6
DAY = 86_400 * SECOND


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
def test_ticks_are_the_same_after_printing_and_parsing(ticks: int) -> None:
    """What `--json` prints is what `--until` reads."""
    shown = windows.iso(ticks, 6)

    assert shown is not None
    assert windows.ticks_of(shown, 6) == ticks
