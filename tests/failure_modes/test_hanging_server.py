from __future__ import annotations

import json
import time

import pytest

from harness.faults.injected import injected
from harness.faults.pause import Pause
from harness.scenarios.scenario import MID_STREAM, Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack

END_TO_END = 30.0  # seconds
HANGS = [
    pytest.param(Service.CLICKHOUSE, MID_STREAM, 69, "8s", marks=pytest.mark.failure_modes("FM-01")),
    pytest.param(Service.MINIO, "at:split_started", 69, "8s", marks=pytest.mark.failure_modes("FM-10")),
    pytest.param(Service.POSTGRES, "before:claim", 69, "8s", marks=pytest.mark.failure_modes("FM-13")),
    # The commit and the question whether it landed alone take 30 s: the limit of the command ends what comes after.
    pytest.param(Service.POSTGRES, "before:publish", 75, "15s", marks=pytest.mark.failure_modes("FM-13")),
]


@pytest.mark.parametrize(("service", "event", "code", "timeout"), HANGS)
def test_a_server_that_hangs_during_a_run_ends_it_within_thirty_seconds(
    scenario: Scenario, stack: Stack, service: Service, event: str, code: int, timeout: str
) -> None:
    """
    It accepts connections and never answers: 69, or 75 for a commit of unknown outcome; the next run is exact.

    The time is that of the run's own steps less the time for which it was frozen.
    """
    scenario.environment = scenario.environment.with_settings(timeout=timeout)
    scenario.insert_tagged("hangtest-", 2_000, 9_950_000)

    with scenario.frozen(event) as run:
        began = time.monotonic()
        with injected(Pause(service), stack, scenario.history):
            run.thaw()
            frozen = time.monotonic() - began
            failed = run.wait()
    grown = scenario.cold_rows("hangtest-")  # a server that wakes up carries out what it was asked for before
    scenario.check_recovery()

    assert failed.returncode == code, failed
    assert grown in ({0, 2_000} if event == "before:publish" else {0})
    (table,) = json.loads(failed.stdout)["tables"]
    assert table["seconds"] - frozen < END_TO_END, table["steps"]
    assert scenario.cold_rows("hangtest-") == 2_000
