from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.scenarios.scenario import Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack


@pytest.mark.failure_modes("FM-10")
@pytest.mark.parametrize(
    ("event", "code", "batch"),
    [("at:split_started", 69, 0), ("at:file_written", 69, 0), ("at:metadata_written", 75, 2_000)],
)
def test_minio_stopped_during_a_run_leaves_no_part_of_a_batch(
    scenario: Scenario, stack: Stack, event: str, code: int, batch: int
) -> None:
    """Hot receives trades all the time; the batch is absent, or whole if its metadata was uploaded."""
    scenario.insert_tagged("miniotest-", 2_000, 9_500_000)

    with scenario.frozen(event) as run, injected(Stop(Service.MINIO), stack, scenario.history):
        run.thaw()
        failed = run.wait()
        scenario.live.wait_ingested_past(datetime.now(UTC))
    grown = scenario.cold_rows("miniotest-")
    scenario.check_recovery()

    assert (failed.returncode, grown) == (code, batch), failed.stderr
    assert scenario.cold_rows("miniotest-") == 2_000
