"""Every failure mode is played in a scene of its own, on servers that the tests of one worker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import report
from harness.stack.stack import Stack
from harness.subjects import offload_cli
from harness.workload.forked import warm
from harness.workload.live import living
from harness.workload.place import placed
from harness.workload.scene import Scene


@pytest.fixture
def scene(request: pytest.FixtureRequest, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A place with live trades and a past; what happened there is reported, however the test ends."""
    monkeypatch.setattr(offload_cli, "subprocess", warm)
    with placed(stack) as place, living(place) as live:
        played = Scene(place, live)
        try:
            played.begin()
            yield played
        finally:
            report.tell(request.node, played)
