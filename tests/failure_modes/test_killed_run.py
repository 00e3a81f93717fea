from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scenario
from harness.timeline import Milestone
from offload.model.steps import STEP_EVENTS

PUBLISHED = {"after:publish", "before:record", "after:record"}


@pytest.mark.failure_modes("FM-02")
@pytest.mark.parametrize("moment", STEP_EVENTS)
def test_the_next_run_is_exact_wherever_the_last_one_was_killed(scenario: Scenario, moment: str) -> None:
    """SIGKILL at every step and event: cold grows by nothing or by the whole batch, and ends with the batch, once."""
    scenario.insert_tagged("crashtest-", 10_000, 9_100_000, "ETHUSDT")

    scenario.history.record(Milestone.INJECT, fault=f"SIGKILL {moment}")
    killed = scenario.run(at=moment)
    scenario.record_kill(killed)
    grown = scenario.cold_rows("crashtest-")
    scenario.check_recovery()

    assert scenario.lease_retries == 0, "a run that was killed holds nothing"
    assert grown == (10_000 if moment in PUBLISHED else 0)
    assert scenario.cold_rows("crashtest-") == 10_000
