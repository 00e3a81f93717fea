from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.report import PAGE, PROPERTY, summarise
from harness.timeline import Moment, Timeline

ROW = {
    "id": "FM-01",
    "test": "tests/test_it.py::test_a[x]",
    **Timeline({moment: 10.0 + number for number, moment in enumerate(Moment)}).seconds(),
}


def told(row: dict[str, Any], *, failed: bool = False, bare: bool = False) -> pytest.TestReport:
    """A phase's report, as pytest or a worker of pytest-xdist hands it on."""
    properties = [] if bare else [(PROPERTY, row)]
    return cast("pytest.TestReport", SimpleNamespace(nodeid=row["test"], failed=failed, user_properties=properties))


def test_the_table_has_a_line_for_each_failure_mode_and_the_page_has_all(tmp_path: Path) -> None:
    """In the order of their ids, whichever worker ended first."""
    later = {**ROW, "id": "FM-02", "test": "tests/test_it.py::test_b"}

    lines = summarise([told(later), told(ROW), told(ROW, bare=True)], tmp_path)

    page = json.loads((tmp_path / PAGE).read_text())
    assert [(row["id"], row["outcome"]) for row in page] == [("FM-01", "passed"), ("FM-02", "passed")]
    assert all(f"{moment}" in lines[0] for moment in Moment)
    assert [line.split()[0] for line in lines[1:3]] == ["FM-01", "FM-02"]


def test_a_test_that_failed_in_any_phase_is_marked(tmp_path: Path) -> None:
    """The moments come with the last phase, the failure with another."""
    lines = summarise([told(ROW, failed=True, bare=True), told(ROW)], tmp_path)

    assert lines[1].endswith("FAILED")
    assert json.loads((tmp_path / PAGE).read_text())[0]["outcome"] == "failed"


def test_a_moment_that_never_happened_is_a_dash(tmp_path: Path) -> None:
    """It must not look like a time."""
    lines = summarise([told({**ROW, "t_caught_up": None, "catch_up": None})], tmp_path)

    assert lines[1].split().count("-") == 2


def test_without_failure_modes_nothing_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    """Every pytest run comes by here, and most have none."""
    assert summarise([told(ROW, bare=True)], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
