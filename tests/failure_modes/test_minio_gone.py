from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.workload.scene import Scene


@pytest.mark.failure_modes("FM-10")
@pytest.mark.parametrize("moment", ["at:split_started", "at:file_written", "at:metadata_written"])
def test_minio_stopped_in_mid_run_leaves_no_part_of_a_batch(scene: Scene, stack: Stack, moment: str) -> None:
    """Hot takes in trades all the while; the batch is whole or absent, and the next run is exact."""
    scene.add("miniotest-", 2_000, 9_500_000)

    with scene.start(at=moment) as run:
        run.wait_frozen()
        with injected(Stop(Service.MINIO), stack, scene.history):
            run.thaw()
            failed = run.wait()
            taken_in = scene.live.settled(datetime.now(UTC))
    grown = scene.cold_rows("miniotest-")
    scene.recovers()

    assert (failed.returncode, failed.landed) in {(69, True), (75, True)}, failed.stderr
    assert grown in {0, 2_000}
    assert taken_in
    assert scene.cold_rows("miniotest-") == 2_000
