"""Every failure mode has a scenario of its own, on servers that the tests of one worker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.environments.servers import server_environment
from harness.feed.live import live_feed
from harness.reports import attachments
from harness.scenarios.scenario import Scenario
from harness.stack.stack import Stack
from tests.support.offload import OFFLOAD


@pytest.fixture
def scenario(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Scenario]:
    """Live trades and earlier batches; the report has the scenario whether the test passes or fails."""
    with server_environment(stack) as environment, live_feed(environment) as live:
        scenario = Scenario(OFFLOAD, environment, live)
        try:
            scenario.seed()
            yield scenario
        finally:
            attachments.attach(request.node, scenario)
