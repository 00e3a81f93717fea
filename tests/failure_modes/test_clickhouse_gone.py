from __future__ import annotations

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.scenarios.scenario import MID_STREAM, Scene
from harness.stack.service import Service
from harness.stack.stack import Stack


@pytest.mark.failure_modes("FM-01")
def test_clickhouse_stopped_in_mid_read_costs_nothing_but_time(scene: Scene, stack: Stack) -> None:
    """Five hundred rows among a million: the run ends with 69, the watermark stays, and the next run is exact."""
    mark = scene.watermark()
    scene.add("nettest-", 500, 9_000_000)

    with scene.frozen(MID_STREAM) as run, injected(Stop(Service.CLICKHOUSE), stack, scene.history):
        run.thaw()
        failed = run.wait()
        kept = scene.watermark()
    grown = scene.cold_rows("nettest-")
    scene.recovers()

    assert failed.returncode == 69, failed.stderr
    assert (kept, grown) == (mark, 0)
    assert scene.cold_rows("nettest-") == 500
