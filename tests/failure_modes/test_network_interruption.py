from __future__ import annotations

import pytest

from harness.faults.disconnect import Disconnect
from harness.faults.injected import injected
from harness.scenarios.scenario import MID_STREAM, Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.timeline import Milestone

IN_MID_RUN = [
    (Service.CLICKHOUSE, MID_STREAM, 69),
    (Service.MINIO, "at:split_started", 69),
    (Service.POSTGRES, "before:publish", 75),  # the commit was sent, and its outcome is unknown
]


@pytest.mark.failure_modes("FM-11")
@pytest.mark.parametrize(("service", "event", "code"), IN_MID_RUN)
def test_a_server_disconnected_during_a_run_loses_no_row(
    scenario: Scenario, stack: Stack, service: Service, event: str, code: int
) -> None:
    """The run ends, nothing is published, and the next run is exact; the broker keeps the trades that arrive."""
    scenario.insert_tagged("cuttest-", 2_000, 9_900_000)
    mark, committed = scenario.watermark(), scenario.live.committed()

    with scenario.frozen(event) as run, injected(Disconnect(service), stack, scenario.history):
        run.thaw()
        failed = run.wait()
        scenario.live.feed.wait_acked(scenario.live.feed.acked() + 100)
    kept, grown = scenario.watermark(), scenario.cold_rows("cuttest-")
    scenario.check_recovery()

    assert failed.returncode == code, failed.stderr
    assert (kept, grown) == (mark, 0)
    assert committed > 0
    assert scenario.live.read_again(committed, since=scenario.timeline.at[Milestone.HEAL]) == 0
    assert scenario.cold_rows("cuttest-") == 2_000


@pytest.mark.failure_modes("FM-11")
def test_a_disconnected_broker_stops_no_run_and_consumers_resume_at_their_offset(
    scenario: Scenario, stack: Stack
) -> None:
    """Runs publish the rows of hot all the time; afterwards no committed message is read again or left out."""
    scenario.insert_tagged("cuttest-", 2_000, 9_900_000)
    committed = scenario.live.committed()

    with scenario.frozen("at:split_started") as run, injected(Disconnect(Service.BROKER), stack, scenario.history):
        run.thaw()
        done = run.wait()
    scenario.check_recovery()

    assert done.returncode == 0, done.stderr
    assert scenario.live.read_again(committed, since=scenario.timeline.at[Milestone.HEAL]) == 0
    assert committed > 0
    assert scenario.cold_rows("cuttest-") == 2_000
