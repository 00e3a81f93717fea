from __future__ import annotations

import pytest

from harness.faults.disconnect import Disconnect
from harness.faults.injected import injected
from harness.scenarios.scenario import MID_STREAM, Scene
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.timeline import Moment

IN_MID_RUN = [
    (Service.CLICKHOUSE, MID_STREAM, 69),
    (Service.MINIO, "at:split_started", 69),
    (Service.POSTGRES, "before:publish", 75),  # the commit was sent, and nobody can see what became of it
]


@pytest.mark.failure_modes("FM-11")
@pytest.mark.parametrize(("service", "moment", "code"), IN_MID_RUN)
def test_a_server_cut_off_in_mid_run_costs_nothing_but_time(
    scene: Scene, stack: Stack, service: Service, moment: str, code: int
) -> None:
    """The run gives up, nothing is published, and the next one is exact; the broker keeps what comes in meanwhile."""
    scene.add("cuttest-", 2_000, 9_900_000)
    mark, committed = scene.watermark(), scene.live.committed()

    with scene.frozen(moment) as run, injected(Disconnect(service), stack, scene.history):
        run.thaw()
        failed = run.wait()
        scene.live.feed.wait_acked(scene.live.feed.acked() + 100)
    kept, grown = scene.watermark(), scene.cold_rows("cuttest-")
    scene.recovers()

    assert failed.returncode == code, failed.stderr
    assert (kept, grown) == (mark, 0)
    assert committed > 0
    assert scene.live.read_again(committed, since=scene.timeline.at[Moment.HEAL]) == 0
    assert scene.cold_rows("cuttest-") == 2_000


@pytest.mark.failure_modes("FM-11")
def test_a_broker_cut_off_stalls_no_run_and_consumers_resume_where_they_had_committed(
    scene: Scene, stack: Stack
) -> None:
    """What is in hot is moved all the while; afterwards nothing committed is read again, and nothing is left out."""
    scene.add("cuttest-", 2_000, 9_900_000)
    committed = scene.live.committed()

    with scene.frozen("at:split_started") as run, injected(Disconnect(Service.BROKER), stack, scene.history):
        run.thaw()
        done = run.wait()
    scene.recovers()

    assert done.returncode == 0, done.stderr
    assert scene.live.read_again(committed, since=scene.timeline.at[Moment.HEAL]) == 0
    assert committed > 0
    assert scene.cold_rows("cuttest-") == 2_000
