from __future__ import annotations

import pytest

from harness.scenarios.scenario import Scene
from harness.timeline import Moment
from offload.model.steps import MOMENTS

PUBLISHED = {"after:publish", "before:record", "after:record"}


@pytest.mark.failure_modes("FM-02")
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_run_is_exact_wherever_the_last_one_was_killed(scene: Scene, moment: str) -> None:
    """SIGKILL at every step and event: cold grows by nothing or by the whole batch, and ends with the batch, once."""
    scene.add("crashtest-", 10_000, 9_100_000, "ETHUSDT")

    scene.history.record(Moment.INJECT, fault=f"SIGKILL {moment}")
    killed = scene.run(at=moment)
    scene.struck(killed)
    grown = scene.cold_rows("crashtest-")
    scene.recovers()

    assert scene.told_to_wait == 0, "a run that was killed holds nothing"
    assert grown == (10_000 if moment in PUBLISHED else 0)
    assert scene.cold_rows("crashtest-") == 10_000
