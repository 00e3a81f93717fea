"""Calls into libraries that may never return end within their time-out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from offload.errors import Unavailable
from offload.io import deadline


@pytest.fixture
def overrun(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An event that a hanging call waits for; the count of overdue calls is reset."""
    monkeypatch.setattr(deadline, "_overdue", threading.Event())
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.usefixtures("overrun")
def test_a_call_returns_what_it_returns() -> None:
    """And no call is overdue."""
    assert deadline.within(10, "a service", lambda: 7) == 7
    assert not deadline.has_overdue_calls()


@pytest.mark.usefixtures("overrun")
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_call_raises_what_it_raises(kind: type[BaseException]) -> None:
    """In the caller's thread, whatever it is."""

    def fail() -> None:
        raise kind("planted")

    with pytest.raises(kind, match="planted"):
        deadline.within(10, "a service", fail)

    assert not deadline.has_overdue_calls()


def test_a_call_that_hangs_ends_in_an_error_and_goes_on(overrun: threading.Event) -> None:
    """The message has the service and the time, and the process must end with `os._exit`."""
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"a service within 0\.05 s"):
        deadline.within(0.05, "a service", overrun.wait)

    assert time.monotonic() - began < 5
    assert deadline.has_overdue_calls()
