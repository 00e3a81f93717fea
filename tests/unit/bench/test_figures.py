from __future__ import annotations

import json
from pathlib import Path

import pytest
from figures import DLT, OURS, SPARK, Case, Line, Run, lines
from promises import FOLLOWING, MOVED, MOVED_LARGE, promises
from report import merged
from showing import markdown


def line(case: Case, contender: str, seconds: float = 1.0, peak_mb: int = 100, times_ours: float | None = None) -> Line:
    """A line of the report."""
    return Line(case, contender, seconds, round(case.rows / seconds), peak_mb, [seconds], times_ours)


def test_a_line_shows_medians_of_all_runs_of_one_contender_in_one_case() -> None:
    """One slow run does not count; cases and contenders are kept apart, in the order of their first runs."""
    case, other = Case("bench", 1000), Case("bench", 10, before=1000)
    runs = [Run(case, OURS, seconds, seconds * 10) for seconds in (2.0, 9.0, 1.0)]
    runs += [Run(case, SPARK, 8.0, 700), Run(other, OURS, 4.0, 50)]

    found = lines(runs)

    assert [(one.case, one.contender) for one in found] == [(case, OURS), (case, SPARK), (other, OURS)]
    assert [(one.seconds, one.rows_per_second, one.peak_mb) for one in found] == [
        (2, 500, 20),
        (8, 125, 700),
        (4, 2, 50),
    ]
    assert found[0].each_seconds == [2.0, 9.0, 1.0]


def test_a_ratio_is_of_median_wall_times_in_the_same_case() -> None:
    """Twice as long is 2.0; without a run of ours there is no ratio."""
    case, alone = Case("bench", 1000), Case("bench", 10)

    found = lines([Run(case, OURS, 2.0, 1), Run(case, DLT, 4.0, 1), Run(alone, DLT, 4.0, 1)])

    assert [one.times_ours for one in found] == [1.0, 2.0, None]


@pytest.mark.parametrize(
    ("measured", "text", "kept"),
    [
        (line(MOVED, SPARK, times_ours=6.0), "times as fast as spark", True),
        (line(MOVED, SPARK, times_ours=5.99), "times as fast as spark", False),
        (line(MOVED, DLT, times_ours=1.9), "times as fast as dlt", False),
        (line(MOVED_LARGE, SPARK, times_ours=5.0), "times as fast as spark", False),
        (line(FOLLOWING, SPARK, times_ours=3.0), "times as fast as spark", True),
        (line(FOLLOWING, OURS, seconds=2.6), "seconds", False),
        (line(MOVED_LARGE, OURS, seconds=14.3), "rows/s", False),
        (line(MOVED, OURS, peak_mb=601), "peak MB", False),
        (line(MOVED, OURS, peak_mb=600), "peak MB", True),
    ],
)
def test_a_promise_is_checked_at_its_bound(measured: Line, text: str, kept: bool) -> None:  # noqa: FBT001
    """The bound itself keeps it."""
    (found,) = [promise for promise in promises([measured]) if promise.text.endswith(text)]

    assert found.kept is kept


@pytest.mark.parametrize(("peak", "kept"), [(115, True), (116, False)])
def test_memory_may_hardly_grow_with_the_rows(peak: int, kept: bool) -> None:  # noqa: FBT001
    """The peak of the larger case beside that of the smaller."""
    found = promises([line(MOVED, OURS), line(MOVED_LARGE, OURS, peak_mb=peak)])

    assert [promise.kept for promise in found if "beside" in promise.text] == [kept]


def test_a_trial_judges_no_promise() -> None:
    """Promises are of full sizes: a few rows say nothing of them."""
    assert promises([line(Case("bench", 1000), name, times_ours=0.1) for name in (OURS, SPARK, DLT)]) == []


def test_one_profile_replaces_its_part_of_the_report_and_leaves_the_other(tmp_path: Path) -> None:
    """`make bench` and `make bench-stack` write one file."""
    merged("embedded", {"cases": [1]}, tmp_path)
    merged("stack", {"cases": [2]}, tmp_path)
    path = merged("stack", {"cases": [3]}, tmp_path)

    whole = json.loads(path.read_text())
    assert {profile: part["cases"] for profile, part in whole.items()} == {"embedded": [1], "stack": [3]}
    assert whole["stack"]["machine"]["cores"] > 0


def test_what_was_measured_is_told_in_a_table_for_the_documents() -> None:
    """Every figure with its promise; a broken one is seen at once."""
    lines_of_report = [line(MOVED, OURS, seconds=2.0, peak_mb=601), line(MOVED, SPARK, seconds=14.0, times_ours=7.0)]

    lines = markdown(lines_of_report, promises(lines_of_report)).splitlines()

    assert "| bench | 3,800,000 rows | spark | 14.00 | 271,429 | 100 | 7.00 | 14.00 |" in lines
    assert "| 3,800,000 rows: times as fast as spark | at least 6 | 7.0 | yes |" in lines
    assert "| 3,800,000 rows: peak MB | at most 600 | 601 | NO |" in lines
