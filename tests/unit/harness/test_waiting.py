from __future__ import annotations

import pytest

from harness.waiting import wait_until


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_the_answer_is_given_as_soon_as_it_is_true() -> None:
    """No message is computed and no more time passes than needed."""
    time = Time()
    answers = iter([None, 0, "ready"])

    answer = wait_until(lambda: next(answers), lambda: pytest.fail("asked"), 5, clock=time.clock, sleep=time.sleep)

    assert answer == "ready"
    assert time.now < 101


def test_the_message_of_a_timeout_tells_the_state_at_failure() -> None:
    """What was found is looked up when the time is over, not when the waiting began."""
    time = Time()

    with pytest.raises(TimeoutError, match=r"expected 9 rows; found 105 \(waited 5 s\)"):
        wait_until(lambda: False, lambda: f"expected 9 rows; found {time.now:g}", 5, clock=time.clock, sleep=time.sleep)


def test_what_becomes_true_at_the_last_moment_is_not_missed() -> None:
    """The question is asked once more when the time is over."""
    time = Time()

    assert wait_until(lambda: time.now >= 105, lambda: "late", 5, clock=time.clock, sleep=time.sleep)
