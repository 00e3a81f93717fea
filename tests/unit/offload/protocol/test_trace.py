"""The trace of a failed run has the time of the step that failed."""

from __future__ import annotations

import itertools

import pytest

from offload.commands.run import run
from offload.errors import Unavailable
from offload.fakes import FAKE_SPEC, FakeWorld
from offload.model.steps import Step

FAILING = {Step.WRITE: "offload.fakes.lake.FakeEngine.write", Step.PUBLISH: "offload.fakes.lake.FakeLake.commit"}


@pytest.mark.parametrize("failed", FAILING)
def test_a_failed_step_has_its_time(monkeypatch: pytest.MonkeyPatch, failed: Step) -> None:
    """Each reading of the clock is a second later: the failed step has a time, later steps have none."""
    seconds = itertools.count()
    monkeypatch.setattr("offload.protocol.trace.time.monotonic", lambda: float(next(seconds)))
    world = FakeWorld()
    world.hot.rows, world.clock.time = [("a", 1)], 100

    def unavailable(*_: object, **__: object) -> None:
        raise Unavailable("an answer", "none", "offload run")

    monkeypatch.setattr(FAILING[failed], unavailable)
    events: list[str] = []
    result = run(world.adapters(), FAKE_SPEC, "run", listeners=[lambda event: events.append(str(event))])

    assert (result.exit_code, result.steps[failed]) == (69, 1.0)
    assert result.steps[Step.RECORD] == 0
    assert f"after:{failed}" not in events
