from __future__ import annotations

import pytest

from harness.checkers.watermark import check_watermark
from harness.verdict import Verdict


@pytest.mark.parametrize("observed", [[1, 2, 3], [5, 5], [None, None, 4], [None, None]])
def test_a_watermark_that_rises_or_stands_passes(observed: list[int | None]) -> None:
    """A table has no watermark before its first batch; a run that finds nothing leaves it as it was."""
    assert check_watermark(observed).verdict is Verdict.PASS


@pytest.mark.parametrize("observed", [[1, 3, 2], [1, 3, 2, 9], [3, None], [2, 3, None, 3], [2, 1]])
def test_one_step_back_is_found(observed: list[int | None]) -> None:
    """Neither a later rise nor a loss of the value altogether excuses it."""
    finding = check_watermark(observed)

    assert (finding.verdict, finding.count) == (Verdict.FAIL, 1)


def test_the_worst_step_back_is_the_longest() -> None:
    """The first, the longest and the last are shown with their positions."""
    finding = check_watermark([10, 9, 20, 5, 6, 4])

    assert finding.count == 3
    assert finding.first == "observation 1: from 10 back to 9"
    assert finding.worst == "observation 3: from 20 back to 5"
    assert finding.last == "observation 5: from 6 back to 4"


@pytest.mark.parametrize("observed", [[], [7], [None]])
def test_fewer_than_two_observations_prove_nothing(observed: list[int | None]) -> None:
    """It takes two to see a movement."""
    assert check_watermark(observed).verdict is Verdict.UNKNOWN
