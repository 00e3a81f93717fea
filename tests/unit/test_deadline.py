"""Calls into libraries that may hang for ever end within their time."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from offload import deadline
from offload.errors import Unavailable


@pytest.fixture
def overrun(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What a hanging call waits for; the process forgets that anything was left behind."""
    monkeypatch.setattr(deadline, "_left_behind", threading.Event())
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.usefixtures("overrun")
def test_a_call_returns_what_it_returns() -> None:
    """And leaves nothing behind."""
    assert deadline.within(10, "a service", lambda: 7) == 7
    assert not deadline.left_behind()


@pytest.mark.usefixtures("overrun")
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_call_raises_what_it_raises(kind: type[BaseException]) -> None:
    """In the caller's thread, whatever it is."""

    def fail() -> None:
        raise kind("planted")

    with pytest.raises(kind, match="planted"):
        deadline.within(10, "a service", fail)

    assert not deadline.left_behind()


def test_a_call_that_hangs_is_left_behind(overrun: threading.Event) -> None:
    """The service and the time stand in the message, and the process knows that it must end with `os._exit`."""
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"a service within 0\.05 s"):
        deadline.within(0.05, "a service", overrun.wait)

    assert time.monotonic() - began < 5
    assert deadline.left_behind()


def test_a_call_that_gets_on_is_waited_for() -> None:
    """However long it takes: each look finds it further on."""
    looks = itertools.count()
    enough = threading.Event()

    def look() -> int:
        if (number := next(looks)) == 3:
            enough.set()
        return number

    assert deadline.while_moving(0.05, "the server", lambda: enough.wait(60), look) is True


def test_a_call_that_stands_still_is_left_behind(overrun: threading.Event) -> None:
    """Two looks that find the same end the waiting."""
    looks: list[int] = []

    with pytest.raises(Unavailable, match="gets on"):
        deadline.while_moving(0.05, "the server", lambda: overrun.wait(60), lambda: looks.append(1))

    assert len(looks) == 2


def test_a_server_that_cannot_be_asked_how_far_it_is_ends_the_waiting(overrun: threading.Event) -> None:
    """What the look raises is what the caller gets."""

    def look() -> None:
        raise Unavailable("an answer", "none", "see that it runs")

    with pytest.raises(Unavailable, match="an answer"):
        deadline.while_moving(0.05, "the server", lambda: overrun.wait(60), look)
