from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scenario
from harness.timeline import Milestone


@pytest.mark.failure_modes("FM-04")
def test_a_second_run_publishes_nothing(scenario: Scenario) -> None:
    """The same window twice: no row and no snapshot more, and the same watermark."""
    scenario.insert_tagged("duptest-", 200, 9_200_000)
    first = scenario.run()
    mark, snapshots = scenario.watermark(), scenario.snapshots()

    scenario.history.record(Milestone.INJECT, fault="the same window again")
    second = scenario.run()
    scenario.history.record(Milestone.LANDED)
    again, after = scenario.watermark(), scenario.snapshots()
    scenario.history.record(Milestone.EFFECT)
    scenario.check_recovery()

    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert (again, after) == (mark, snapshots)
    assert scenario.cold_rows("duptest-") == 200
