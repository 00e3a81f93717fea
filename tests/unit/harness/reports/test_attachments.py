from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import allure
import pytest

from harness.history import History
from harness.reports.attachments import attach
from harness.reports.summary import PAGE, PROPERTY, summarise
from harness.scenarios import row_counts
from harness.stack.service import Service
from harness.timeline import Milestone, Timeline

ROW = {
    "id": "FM-01",
    "test": "tests/test_it.py::test_a[x]",
    **Timeline({milestone: 10.0 + number for number, milestone in enumerate(Milestone)}).seconds(),
}


def report(row: dict[str, Any], *, failed: bool = False, bare: bool = False) -> pytest.TestReport:
    """A phase's report, as pytest or a worker of pytest-xdist hands it on."""
    properties = [] if bare else [(PROPERTY, row)]
    return cast("pytest.TestReport", SimpleNamespace(nodeid=row["test"], failed=failed, user_properties=properties))


def test_the_table_has_a_line_for_each_failure_mode_and_the_page_has_all(tmp_path: Path) -> None:
    """In the order of their ids, whichever worker ended first."""
    later = {**ROW, "id": "FM-02", "test": "tests/test_it.py::test_b"}

    lines = summarise([report(later), report(ROW), report(ROW, bare=True)], tmp_path)

    page = json.loads((tmp_path / PAGE).read_text())
    assert [(row["id"], row["outcome"]) for row in page] == [("FM-01", "passed"), ("FM-02", "passed")]
    assert all(f"{milestone}" in lines[0] for milestone in Milestone)
    assert [line.split()[0] for line in lines[1:3]] == ["FM-01", "FM-02"]


def test_a_test_that_failed_in_any_phase_is_marked(tmp_path: Path) -> None:
    """The milestones are in the report of the last phase, the failure in another."""
    lines = summarise([report(ROW, failed=True, bare=True), report(ROW)], tmp_path)

    assert lines[1].endswith("FAILED")
    assert json.loads((tmp_path / PAGE).read_text())[0]["outcome"] == "failed"


def test_a_moment_that_never_happened_is_a_dash(tmp_path: Path) -> None:
    """It must not look like a time."""
    lines = summarise([report({**ROW, "t_caught_up": None, "catch_up": None})], tmp_path)

    assert lines[1].split().count("-") == 2


def test_without_failure_modes_nothing_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    """Every pytest run comes by here, and most have none."""
    assert summarise([report(ROW, bare=True)], tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_stays_down_costs_the_rows_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts, logs and milestones are attached before the error is raised."""
    attached: list[str] = []
    monkeypatch.setattr(allure, "attach", lambda _text, name, _kind: attached.append(name))
    monkeypatch.setattr(row_counts, "rows_per_tier", Mock(side_effect=ConnectionError("no answer")))
    container = SimpleNamespace(logs=lambda since: f"since {since}")
    stack = SimpleNamespace(images={}, container=lambda _service: container)
    history = History()
    history.record(Milestone.INJECT, fault="Stop of clickhouse")
    scenario = SimpleNamespace(
        subject=None,
        environment=SimpleNamespace(stack=stack),
        live=None,
        findings=[],
        history=history,
        timeline=Timeline.of(history),
    )
    item = SimpleNamespace(
        get_closest_marker=lambda _name: SimpleNamespace(args=("FM-01",)),
        nodeid=ROW["test"],
        name="test_a",
        user_properties=[],
        config=SimpleNamespace(rootpath=tmp_path),
    )

    with pytest.raises(ConnectionError):
        attach(cast("pytest.Item", item), cast("Any", scenario))

    written = json.loads((tmp_path / PAGE.with_suffix("") / "test_a.json").read_text())
    assert written["events"][0]["fault"] == "Stop of clickhouse"
    assert attached == ["verdicts", *(f"log of {service}" for service in Service), "timeline"]
    assert [name for name, _ in item.user_properties] == [PROPERTY]
