"""Once a server hangs, all later calls of a command share one limit."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest

from offload.errors import Unavailable
from offload.io import command_limit
from offload.io.command_limit import LEAST, LIMIT, CommandLimit
from offload.io.deadline import within

TIMEOUT = 8.0


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the limit."""
    return Clock()


def test_calls_after_the_first_overdue_one_share_what_is_left(clock: Clock) -> None:
    """However many there are: the last time-out ends with the limit, and each later call has half a second."""
    with command_limit.one_command(CommandLimit(clock)):
        assert command_limit.allowed(TIMEOUT) == TIMEOUT
        clock.now += TIMEOUT
        command_limit.overdue("the catalog", TIMEOUT)  # it began eight seconds ago

        given = []
        while command_limit.allowed(TIMEOUT) > LEAST:
            given.append(command_limit.allowed(TIMEOUT))
            clock.now += given[-1]
            command_limit.overdue("the watermark store", given[-1])

        assert given == [TIMEOUT, TIMEOUT, LIMIT - 3 * TIMEOUT]
        assert clock.now == 1000.0 + LIMIT
        assert command_limit.allowed(TIMEOUT) == LEAST


def test_a_server_that_answers_again_is_no_longer_one_that_hangs(clock: Clock) -> None:
    """Unless another one hangs still."""
    with command_limit.one_command(CommandLimit(clock)):
        command_limit.overdue("ClickHouse", TIMEOUT)
        clock.now += 10
        command_limit.overdue("the catalog", TIMEOUT)
        assert command_limit.allowed(TIMEOUT) == LIMIT - TIMEOUT - 10

        command_limit.answered("ClickHouse")
        assert command_limit.allowed(TIMEOUT) == TIMEOUT
        command_limit.answered("the catalog")
        clock.now += 1000
        assert command_limit.allowed(TIMEOUT) == TIMEOUT


def test_a_command_does_not_pay_for_the_one_before(clock: Clock) -> None:
    """One process runs many; and outside of a command a call has its time-out."""
    with command_limit.one_command(CommandLimit(clock)):
        command_limit.overdue("ClickHouse", TIMEOUT)
        clock.now += 1000
        assert command_limit.allowed(TIMEOUT) == LEAST
        with command_limit.one_command():
            assert command_limit.allowed(TIMEOUT) == TIMEOUT
    command_limit.overdue("ClickHouse", 1000)
    assert command_limit.allowed(TIMEOUT) == TIMEOUT


def test_a_thread_belongs_to_the_command_only_with_its_context(clock: Clock) -> None:
    """Workers do, the heartbeat does not."""
    found = []

    def call() -> None:
        command_limit.overdue("ClickHouse", TIMEOUT)
        found.append(command_limit.allowed(TIMEOUT))

    with command_limit.one_command(CommandLimit(clock, {"ClickHouse": clock.now - LIMIT})):
        for target, args in ((call, ()), (copy_context().run, (call,))):
            thread = threading.Thread(target=target, args=args)
            thread.start()
            thread.join()

    assert found == [TIMEOUT, LEAST]


def test_a_call_that_hangs_uses_up_the_limit_and_an_answer_ends_it(clock: Clock) -> None:
    """The message has the time that the call really had."""
    release = threading.Event()
    with command_limit.one_command(CommandLimit(clock, {"ClickHouse": clock.now - LIMIT})):
        with pytest.raises(Unavailable, match=r"the catalog within 0\.5 s"):
            within(TIMEOUT, "the catalog", release.wait)
        release.set()
        assert within(TIMEOUT, "the catalog", lambda: 7) == 7
        assert within(TIMEOUT, "ClickHouse", lambda: 8) == 8
        assert command_limit.allowed(TIMEOUT) == TIMEOUT
