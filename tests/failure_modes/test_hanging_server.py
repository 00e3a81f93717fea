from __future__ import annotations

import time

import pytest

from harness.faults.injected import injected
from harness.faults.pause import Pause
from harness.scenarios.scenario import MID_STREAM, Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack

END_TO_END = 30.0  # seconds
HANGS = [
    pytest.param(Service.CLICKHOUSE, MID_STREAM, 69, marks=pytest.mark.failure_modes("FM-01")),
    pytest.param(Service.MINIO, "at:split_started", 69, marks=pytest.mark.failure_modes("FM-10")),
    pytest.param(Service.POSTGRES, "before:claim", 69, marks=pytest.mark.failure_modes("FM-13")),
    pytest.param(Service.POSTGRES, "before:publish", 75, marks=pytest.mark.failure_modes("FM-13")),
]


@pytest.mark.parametrize(("service", "event", "code"), HANGS)
def test_a_server_that_hangs_during_a_run_ends_it_within_thirty_seconds(
    scenario: Scenario, stack: Stack, service: Service, event: str, code: int
) -> None:
    """It accepts connections and never answers: 69, or 75 for a commit of unknown outcome; the next run is exact."""
    scenario.insert_tagged("hangtest-", 2_000, 9_950_000)

    with scenario.frozen(event) as run, injected(Pause(service), stack, scenario.history):
        began = time.monotonic()
        run.thaw()
        failed = run.wait()
        took = time.monotonic() - began
    grown = scenario.cold_rows("hangtest-")  # a server that wakes up carries out what it was asked for before
    scenario.check_recovery()

    assert failed.returncode == code, failed.stderr
    assert grown in ({0, 2_000} if event == "before:publish" else {0})
    assert took < END_TO_END
    assert scenario.cold_rows("hangtest-") == 2_000
