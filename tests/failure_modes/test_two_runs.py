from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scene
from harness.timeline import Moment


@pytest.mark.failure_modes("FM-12")
def test_of_two_runs_at_once_one_publishes(scene: Scene) -> None:
    """Both stand at the line and are let go: each ends well or is told to come again, and the rows are there once."""
    scene.lease("600")  # however slow this machine is, no heartbeat is overdue
    scene.add("twotest-", 1_000, 9_400_000)
    before = len(scene.snapshots())

    with scene.start(at="before:claim") as one, scene.start(at="before:claim") as other:
        scene.history.record(Moment.INJECT, fault="two runs at once")
        for run in (one, other):
            run.wait_frozen()
        scene.history.record(Moment.LANDED)
        for run in (one, other):
            run.thaw()
        ended = sorted(run.wait().returncode for run in (one, other))
    scene.history.record(Moment.EFFECT)
    published = len(scene.snapshots()) - before
    scene.recovers()

    assert ended in ([0, 0], [0, 75])
    assert published == 1
    assert scene.cold_rows("twotest-") == 1_000


@pytest.mark.failure_modes("FM-12")
@pytest.mark.parametrize("moment", ["before:publish", "at:metadata_written"])
def test_a_frozen_run_that_wakes_up_late_is_fenced(scene: Scene, moment: str) -> None:
    """Another takes its table over when the lease has run out, and finishes; then it wakes up and publishes nothing."""
    scene.add("frozentest-", 1_000, 9_600_000)
    scene.lease("600")  # it is the one who comes that judges: none can be too slow to find the lease held

    scene.history.record(Moment.INJECT, fault=f"SIGSTOP {moment}")
    with scene.frozen(moment) as frozen:
        scene.history.record(Moment.LANDED)
        refused = scene.run()
        scene.history.record(Moment.EFFECT)
        scene.lease("1")
        scene.next_run_succeeds()
        before = scene.snapshots()
        frozen.wait_frozen()
        frozen.thaw()
        woken = frozen.wait()
    after = scene.snapshots()
    scene.everything_arrives()

    assert (refused.returncode, woken.returncode) == (75, 75), woken.stderr
    assert after == before
    assert scene.cold_rows("frozentest-") == 1_000
