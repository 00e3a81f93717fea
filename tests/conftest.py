"""What every report says first, and the longest time of a test."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import NoReturn

import pytest

# Seconds; the longest test takes less than a minute, but for as many random sequences as `make fuzz N=` asks for.
TIMEOUT = 600 + 10 * int(os.environ.get("TIDEMARK_FUZZ_EXAMPLES", "0"))


def pytest_report_header() -> str:
    """Say whether trades are real ones."""
    from harness.trades.exchanges.recordings import recordings

    try:
        folder = recordings()
    except NotADirectoryError as error:
        raise pytest.UsageError(str(error)) from error
    return f"recorded trades: {folder}" if folder else "recorded trades: none here, generated ones are used"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs fails, and the next one runs."""

    def expire(*_: object) -> NoReturn:
        raise TimeoutError(f"{item.nodeid} did not end within {TIMEOUT} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(TIMEOUT)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
