from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scenario
from harness.timeline import Milestone
from offload.model.steps import STEP_EVENTS

PUBLISHED = {"after:publish", "before:record", "after:record"}


@pytest.mark.failure_modes("FM-02")
@pytest.mark.parametrize("event", STEP_EVENTS)
def test_the_next_run_is_exact_after_a_kill_at_any_event(scenario: Scenario, event: str) -> None:
    """SIGKILL at every step and event: cold grows by no row or the whole batch, and has it once in the end."""
    scenario.insert_tagged("crashtest-", 10_000, 9_100_000, "ETHUSDT")

    scenario.history.record(Milestone.INJECT, fault=f"SIGKILL {event}")
    killed = scenario.run(at=event)
    scenario.record_kill(killed)
    grown = scenario.cold_rows("crashtest-")
    scenario.check_recovery()

    assert scenario.lease_retries == 0, "a run that was killed holds nothing"
    assert grown == (10_000 if event in PUBLISHED else 0)
    assert scenario.cold_rows("crashtest-") == 10_000
