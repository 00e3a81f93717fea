"""The only place that sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
INTERVAL = 0.02


def wait_until(
    condition: Callable[[], T],
    message: Callable[[], str],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """
    Ask until the answer is true, and give that answer; asks once more when the time is over.

    Args:
        condition: What to wait for; anything true will do. What it raises ends the waiting.
        message: Says what was expected and what was found instead; called at failure only.
        timeout: Seconds on the monotonic clock.
        clock: Seconds; another one in tests.
        sleep: Waits so many seconds; another one in tests.

    Raises:
        TimeoutError: The answer was still false after `timeout`.
    """
    deadline = clock() + timeout
    while True:
        over = clock() >= deadline
        if answer := condition():
            return answer
        if over:
            raise TimeoutError(f"{message()} (waited {timeout:g} s)")
        sleep(min(INTERVAL, max(0.0, deadline - clock())))
