"""Calls into libraries that may never return end within their time-out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from offload.errors import Unavailable
from offload.io import deadline


@pytest.fixture
def overrun() -> Iterator[threading.Event]:
    """An event that a hanging call waits for."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_returns_what_it_returns() -> None:
    """The value, not the call."""
    assert deadline.within(10, "a service", lambda: 7) == 7


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_call_raises_what_it_raises(kind: type[BaseException]) -> None:
    """In the caller's thread, whatever it is."""

    def fail() -> None:
        raise kind("planted")

    with pytest.raises(kind, match="planted"):
        deadline.within(10, "a service", fail)


def test_a_call_that_hangs_ends_in_an_error_and_goes_on(overrun: threading.Event) -> None:
    """The message has the service and the time; the error says that the call may still have its effect."""
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"a service within 0\.05 s") as error:
        deadline.within(0.05, "a service", overrun.wait)

    assert time.monotonic() - began < 5
    assert error.value.overdue
