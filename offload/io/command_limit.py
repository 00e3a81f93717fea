"""
The time that one command may still take once a server hangs.

Each call has a time-out, but a command that fails has calls left: the outcome of a commit is read, the failure is
recorded, the lease is released. Once a call is overdue, all later calls of the command share what is left of one limit.
A server that answers again is no longer taken for one that hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

LIMIT = 25.0  # seconds from the start of the first overdue call; five less than promised, for the work of the command
LEAST = 0.5  # seconds that a call has when the limit is used up: a server that is well answers within them


@dataclass
class CommandLimit:
    """
    The servers that hang during one command.

    Attributes:
        clock: Seconds of a clock that never steps back.
        since: When the first overdue call to each server began.
    """

    clock: Callable[[], float] = time.monotonic
    since: dict[str, float] = field(default_factory=dict)

    def allowed(self, seconds: float) -> float:
        """Seconds that a call may take now, of the time-out that it has otherwise."""
        first = min(list(self.since.values()), default=None)
        return seconds if first is None else min(seconds, max(LEAST, first + LIMIT - self.clock()))


# Threads that a command starts have no limit but the time-out of a call, unless they run in a copy of its context: a
# heartbeat that is overdue fails no command.
_current: ContextVar[CommandLimit | None] = ContextVar("command limit", default=None)


@contextmanager
def one_command(limit: CommandLimit | None = None) -> Iterator[None]:
    """Every call in this block belongs to one command."""
    token = _current.set(limit or CommandLimit())
    try:
        yield
    finally:
        _current.reset(token)


def allowed(seconds: float) -> float:
    """Seconds that a call may take now; outside of a command all of its time-out."""
    limit = _current.get()
    return limit.allowed(seconds) if limit else seconds


def overdue(server: str, seconds: float) -> None:
    """Note that a call to a server has not been answered for so many seconds."""
    if limit := _current.get():
        limit.since.setdefault(server, limit.clock() - seconds)


def answered(server: str) -> None:
    """Note that a server has answered."""
    if limit := _current.get():
        limit.since.pop(server, None)
