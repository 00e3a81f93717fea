from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from docker import DockerClient

from harness.stack.host import engine


@pytest.fixture(scope="session")
def client() -> Iterator[DockerClient]:
    """A client of the engine."""
    with closing(engine.running()) as client:
        yield client
