"""Injects a fault, proves that it is active and observable, heals it, and records the time of each."""

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
    A fault of one service.

    It must not call itself active because `inject` was called, and must not affect any other service.
    """

    @property
    def service(self) -> Service:
        """The service that has the fault."""

    def inject(self, stack: Stack) -> None:
        """Inject the fault, or arm it; the fault need not be active when this returns."""

    def is_active(self, stack: Stack) -> bool:
        """True if evidence from outside the fault says that it is active."""

    def is_observable(self, stack: Stack) -> bool:
        """True if a probe of the service fails now."""

    def heal(self, stack: Stack) -> None:
        """Remove the fault; no effect where it is not active."""


@contextmanager
def injected(
    fault: Fault, stack: Stack, history: History, *, armed: bool = False, timeout: float = TIMEOUT
) -> Iterator[None]:
    """
    Run the block under a fault, and record t_inject, t_landed, t_effect and t_heal; end when the service answers.

    Args:
        fault: The fault.
        stack: The servers.
        history: Records the milestones.
        armed: True: the fault fires on an event inside the block, and whether it fired is checked when the block ends.
            False: the block begins when the fault is active and observable.
        timeout: Seconds until the fault must be active, and again until it must be observable.

    Raises:
        AssertionError: UNKNOWN: the fault was not active, or not observable, so the test proves nothing.
        NotUp: The fault was healed, and the service does not answer.
    """
    name = named(fault)
    history.record(Milestone.INJECT, fault=name)
    try:
        with step(f"{name} is injected"):
            fault.inject(stack)
            if not armed:
                _record_effect(fault, stack, history, timeout)
        yield
        if armed:
            _record_effect(fault, stack, history, timeout)
    finally:
        history.record(Milestone.HEAL)
        with step(f"{name} is healed"):
            fault.heal(stack)
            stack.wait_healthy(fault.service)


def named(fault: Fault) -> str:
    """The name of the fault, such as `Stop of clickhouse`."""
    return f"{type(fault).__name__} of {fault.service}"


def _record_effect(fault: Fault, stack: Stack, history: History, timeout: float) -> None:
    name = named(fault)
    _wait_for(lambda: fault.is_active(stack), f"{name} to be active; the test ran on servers without a fault", timeout)
    history.record(Milestone.LANDED)
    _wait_for(lambda: fault.is_observable(stack), f"{name} to make a probe fail", timeout)
    history.record(Milestone.EFFECT)


def _wait_for(condition: Callable[[], bool], description: str, timeout: float) -> None:
    try:
        wait_until(condition, lambda: f"expected {description}", timeout)
    except TimeoutError as error:
        assert_all(unknown("fault", str(error)))
