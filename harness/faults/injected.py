"""Breaks, proves that it broke, mends; and says when each happened."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from harness.steps import step
from harness.timeline import Milestone
from harness.verdict import assert_all, unknown
from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.history import History
    from harness.stack.service import Service
    from harness.stack.stack import Stack

TIMEOUT = 60.0


class Fault(Protocol):
    """
    One way to break one thing.

    It never says that it landed because `inject` was called, and never harms anything but the service that it names.
    """

    @property
    def service(self) -> Service:
        """What it breaks."""

    def inject(self, stack: Stack) -> None:
        """Break it, or lie in wait; returns before anything is known."""

    def is_active(self, stack: Stack) -> bool:
        """Evidence that it struck, from whoever can know."""

    def is_observable(self, stack: Stack) -> bool:
        """Evidence that whoever asks the service now is let down."""

    def heal(self, stack: Stack) -> None:
        """Mend it; harmless when it never landed or is already undone."""


@contextmanager
def injected(
    fault: Fault, stack: Stack, history: History, *, armed: bool = False, timeout: float = TIMEOUT
) -> Iterator[None]:
    """
    Hold the block under a fault, and record t_inject, t_landed, t_effect and t_heal; ends when the service answers.

    Args:
        fault: What to break.
        stack: The servers.
        history: Where the moments are recorded.
        armed: The fault strikes at something that happens in the block, and is sought at its end; otherwise the
            block begins when it has struck and is felt.
        timeout: Seconds until it must have struck, and be felt.

    Raises:
        AssertionError: UNKNOWN: it never landed, or nobody felt it: the test has tried nothing.
        NotUp: It was mended, and the service does not answer.
    """
    what = named(fault)
    history.record(Milestone.INJECT, fault=what)
    try:
        with step(f"{what} is injected"):
            fault.inject(stack)
            if not armed:
                _struck(fault, stack, history, timeout)
        yield
        if armed:
            _struck(fault, stack, history, timeout)
    finally:
        history.record(Milestone.HEAL)
        with step(f"{what} is healed"):
            fault.heal(stack)
            stack.wait_healthy(fault.service)


def named(fault: Fault) -> str:
    """The fault as people read it: `Stop of clickhouse`."""
    return f"{type(fault).__name__} of {fault.service}"


def _struck(fault: Fault, stack: Stack, history: History, timeout: float) -> None:
    what = named(fault)
    _proved(lambda: fault.is_active(stack), f"{what} to strike; whatever was tried was tried on sound servers", timeout)
    history.record(Milestone.LANDED)
    _proved(lambda: fault.is_observable(stack), f"{what} to be felt by a probe", timeout)
    history.record(Milestone.EFFECT)


def _proved(evidence: Callable[[], bool], what: str, timeout: float) -> None:
    try:
        wait_until(evidence, lambda: f"expected {what}", timeout)
    except TimeoutError as never:
        assert_all(unknown("fault", str(never)))
