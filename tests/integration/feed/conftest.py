"""An environment per test, and the ingestion of one exchange's trades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.environments.servers import ServerEnvironment
    from harness.stack.stack import Stack


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """Databases and a bucket of its own."""
    from harness.environments.servers import server_environment

    with server_environment(stack) as environment:
        yield environment
