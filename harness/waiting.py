"""Waiting for a condition: the only module that sleeps."""

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
    Call `condition` until its result is true, and return that result; call it a last time after the timeout.

    Args:
        condition: Returns a true value when the wait is over. An error that it raises ends the wait.
        message: Says what was expected and what was found instead; called only when the wait fails.
        timeout: Seconds on the monotonic clock.
        clock: Returns the time in seconds; replaced in tests.
        sleep: Sleeps for a number of seconds; replaced in tests.

    Raises:
        TimeoutError: The result was still false after `timeout` seconds.
    """
    deadline = clock() + timeout
    while True:
        expired = clock() >= deadline
        if result := condition():
            return result
        if expired:
            raise TimeoutError(f"{message()} (waited {timeout:g} s)")
        sleep(min(INTERVAL, max(0.0, deadline - clock())))
