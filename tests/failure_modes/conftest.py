"""Every failure mode is played in a scene of its own, on servers that the tests of one worker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.environments.servers import placed
from harness.feed.live import living
from harness.reports import attachments
from harness.scenarios.scenario import Scene
from harness.stack.stack import Stack
from harness.subjects import offload_cli
from harness.subjects.forkserver import warm


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
            attachments.tell(request.node, played)
