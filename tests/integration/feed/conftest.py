"""A place per test, and the way of one exchange's trades into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.environments.servers import Place
    from harness.stack.stack import Stack


@pytest.fixture
def place(stack: Stack) -> Iterator[Place]:
    """Databases and a bucket of its own."""
    from harness.environments.servers import placed

    with placed(stack) as place:
        yield place
