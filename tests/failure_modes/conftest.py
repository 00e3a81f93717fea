"""Every failure mode is played in a scene of its own, on servers that the tests of one worker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import child_process
from harness.environments.servers import server_environment
from harness.feed.live import live_feed
from harness.reports import attachments
from harness.scenarios.scenario import Scenario
from harness.stack.stack import Stack
from harness.subjects.forkserver import forkserver_launcher


@pytest.fixture
def scenario(request: pytest.FixtureRequest, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenario]:
    """A place with live trades and a past; what happened there is reported, however the test ends."""
    monkeypatch.setattr(child_process, "subprocess", forkserver_launcher)
    with server_environment(stack) as environment, live_feed(environment) as live:
        played = Scenario(environment, live)
        try:
            played.seed()
            yield played
        finally:
            attachments.attach(request.node, played)
