from __future__ import annotations

import pytest

from harness.workload.scene import Scene


@pytest.mark.failure_modes("FM-04")
def test_a_second_run_publishes_nothing(scene: Scene) -> None:
    """The same window twice, as an impatient operator does it: no row, no snapshot, and the same watermark."""
    scene.add("duptest-", 200, 9_200_000)
    first = scene.run()
    mark, snapshots = scene.watermark(), scene.snapshots()

    second = scene.run()

    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert (scene.watermark(), scene.snapshots()) == (mark, snapshots)
    assert scene.cold_rows("duptest-") == 200
