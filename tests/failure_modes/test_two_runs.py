from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scenario
from harness.timeline import Milestone


@pytest.mark.failure_modes("FM-12")
def test_of_two_runs_at_once_one_publishes(scenario: Scenario) -> None:
    """Two runs start together; each succeeds or exits 75, and the rows are there once."""
    scenario.lease("600")  # however slow this machine is, no heartbeat is overdue
    scenario.insert_tagged("twotest-", 1_000, 9_400_000)
    before = len(scenario.snapshots())

    with scenario.start(at="before:claim") as one, scenario.start(at="before:claim") as other:
        scenario.history.record(Milestone.INJECT, fault="two runs at once")
        for run in (one, other):
            run.wait_frozen()
        scenario.history.record(Milestone.LANDED)
        for run in (one, other):
            run.thaw()
        ended = sorted(run.wait().returncode for run in (one, other))
    scenario.history.record(Milestone.EFFECT)
    published = len(scenario.snapshots()) - before
    scenario.check_recovery()

    assert ended in ([0, 0], [0, 75])
    assert published == 1
    assert scenario.cold_rows("twotest-") == 1_000


@pytest.mark.failure_modes("FM-12")
@pytest.mark.parametrize("event", ["before:publish", "at:metadata_written"])
def test_a_frozen_run_that_continues_late_is_fenced(scenario: Scenario, event: str) -> None:
    """Another run takes the table over after the lease and finishes; the frozen run continues and publishes nothing."""
    scenario.insert_tagged("frozentest-", 1_000, 9_600_000)
    scenario.lease(
        "600"
    )  # the second run applies its own lease time, so a slow machine cannot make it too late to find the lease

    scenario.history.record(Milestone.INJECT, fault=f"SIGSTOP {event}")
    with scenario.frozen(event) as frozen:
        scenario.history.record(Milestone.LANDED)
        refused = scenario.run()
        scenario.history.record(Milestone.EFFECT)
        scenario.lease("1")
        scenario.next_run_succeeds()
        before = scenario.snapshots()
        frozen.wait_frozen()
        frozen.thaw()
        woken = frozen.wait()
    after = scenario.snapshots()
    scenario.everything_arrives()

    assert (refused.returncode, woken.returncode) == (75, 75), woken.stderr
    assert after == before
    assert scenario.cold_rows("frozentest-") == 1_000
