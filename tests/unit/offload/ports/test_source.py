"""Fewer rows than before are explained by merges, or they have vanished."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from offload.ports.source import WindowStats

PARTS: Sequence[tuple[set[str], set[str], int]] = [
    ({"a_1_1_0", "a_2_2_0"}, {"a_1_2_1"}, 0),
    ({"a_1_1_0", "a_2_2_0"}, {"a_1_1_0"}, 5),
    ({"a_1_1_0"}, {"b_1_1_0"}, 5),
    ({"a_1_1_0"}, {"a_1_1_0_2"}, 5),
    ({"a_1_1_0_2", "a_2_2_0_2"}, {"a_1_2_1_2"}, 0),
    (set(), set(), 5),
]


@pytest.mark.parametrize(("before", "after", "vanished"), PARTS)
def test_only_a_part_that_covers_its_blocks_explains_fewer_rows(
    before: set[str], after: set[str], vanished: int
) -> None:
    """A part of the same partition and mutation whose range of blocks has the other's."""
    first, later = WindowStats(10, 0, 0, frozenset(before)), WindowStats(5, 0, 0, frozenset(after))

    assert first.vanished_until(later) == vanished
