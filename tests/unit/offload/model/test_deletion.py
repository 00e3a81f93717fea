"""A deletion is named by its hours or days."""

from __future__ import annotations

import pytest

from offload.model.deletion import Deletion
from offload.model.windows import DAY, HOUR

FIRST = 19_936 * DAY  # 2024-08-01


@pytest.mark.parametrize(
    ("deletion", "text"),
    [
        (Deletion(FIRST, FIRST + DAY, 5), "2024-08-01 (5)"),
        (Deletion(FIRST, FIRST + 3 * DAY, 5, emptied=True), "2024-08-01 to 2024-08-03 (5, no row is left)"),
        (Deletion(FIRST + 3 * HOUR, FIRST + 4 * HOUR, 5), "2024-08-01T03Z (5)"),
        (Deletion(FIRST + 3 * HOUR, FIRST + DAY, 5), "2024-08-01T03Z to 2024-08-01T23Z (5)"),
    ],
)
def test_a_deletion_is_named_by_its_first_and_last_hour_or_day(deletion: Deletion, text: str) -> None:
    """With the number of rows."""
    assert str(deletion) == text
