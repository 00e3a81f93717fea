"""
The report of one failure mode: attachments in Allure, and a row of milestones for the summary.

The workers of pytest-xdist send their rows in the `user_properties` of their reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.reports.chart import draw
from harness.reports.summary import PAGE, PROPERTY
from harness.stack.service import Service
from harness.timeline import Milestone

if TYPE_CHECKING:
    import pytest

    from harness.scenarios.scenario import Scenario

MARGIN = 2.0  # seconds of a container's log before the fault


def attach(item: pytest.Item, scenario: Scenario) -> None:
    """Attach the report of a scenario to a test, with rows per tier as far as the servers answer."""
    marker = item.get_closest_marker("failure_modes")
    row = {
        "id": marker.args[0] if marker else "",
        "test": item.nodeid,
        "replay": f"pytest '{item.nodeid}'",
        "images": {service.value: image for service, image in scenario.environment.stack.images.items()},
        **scenario.timeline.seconds(),
    }
    item.user_properties.append((PROPERTY, row))
    folder = item.config.rootpath / PAGE.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    _attach(row, scenario, folder / item.name.replace("/", "_"))


def _attach(row: Mapping[str, Any], scenario: Scenario, path: Path) -> None:
    """
    Attach verdicts and container logs, and write the timeline and the chart next to the page.

    Raises:
        Exception: A server did not return its rows; everything else is attached.
    """
    import allure

    from harness.scenarios.row_counts import rows_per_tier

    timeline = scenario.timeline
    allure.attach("\n".join(map(str, scenario.findings)), "verdicts", allure.attachment_type.TEXT)
    since = timeline.at.get(Milestone.INJECT, 0.0) - MARGIN
    for service in Service:
        log = scenario.environment.stack.container(service).logs(since=max(0.0, since))
        allure.attach(log, f"log of {service}", allure.attachment_type.TEXT)
    document = {**row, "events": [{"at": one.at, "name": one.name, **one.details} for one in scenario.history.events]}
    try:
        tiers = document["rows"] = rows_per_tier(scenario.subject, scenario.live)
        draw(path.name, timeline, tiers, path.with_suffix(".png"))
        allure.attach(path.with_suffix(".png").read_bytes(), "timeline", allure.attachment_type.PNG)
    finally:  # also where a server is down and has no rows to show
        text = json.dumps(document, indent=1, default=str)
        path.with_suffix(".json").write_text(text)
        allure.attach(text, "timeline", allure.attachment_type.JSON)
