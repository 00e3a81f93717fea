from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scene
from harness.timeline import Moment


@pytest.mark.failure_modes("FM-04")
def test_a_second_run_publishes_nothing(scene: Scene) -> None:
    """The same window twice, as an impatient operator does it: no row, no snapshot, and the same watermark."""
    scene.add("duptest-", 200, 9_200_000)
    first = scene.run()
    mark, snapshots = scene.watermark(), scene.snapshots()

    scene.history.record(Moment.INJECT, fault="the same window again")
    second = scene.run()
    scene.history.record(Moment.LANDED)
    again, after = scene.watermark(), scene.snapshots()
    scene.history.record(Moment.EFFECT)
    scene.recovers()

    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert (again, after) == (mark, snapshots)
    assert scene.cold_rows("duptest-") == 200
