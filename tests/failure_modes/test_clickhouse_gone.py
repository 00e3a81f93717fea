from __future__ import annotations

from datetime import timedelta

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.reading.values import EPOCH
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.workload.scene import Scene
from harness.workload.trades import Trades


@pytest.mark.failure_modes("FM-01")
def test_clickhouse_stopped_in_mid_read_costs_nothing_but_time(scene: Scene, stack: Stack) -> None:
    """Five hundred rows behind a million: the run ends with 69, the watermark stays, and the next run is exact."""
    mark = scene.watermark()
    start = EPOCH + timedelta(microseconds=mark or 0, milliseconds=1)
    scene.place.insert(Trades(1_000_000, ("ADAUSDT", "BTCUSDT", "SOLUSDT"), start=start, tag="filler-", step=1))
    scene.add("nettest-", 500, 9_000_000, "BTCUSDT")
    scene.settle(start + timedelta(seconds=1))

    with scene.start(at="at:split_started") as run:
        run.wait_frozen()
        with injected(Stop(Service.CLICKHOUSE), stack, scene.history):
            run.thaw()
            failed = run.wait()
            kept = scene.watermark()
    grown = scene.cold_rows("nettest-")
    scene.recovers()

    assert (failed.returncode, failed.landed) == (69, True), failed.stderr
    assert (kept, grown) == (mark, 0)
    assert scene.cold_rows("nettest-") == 500
