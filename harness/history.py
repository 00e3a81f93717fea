"""The history of a test: one list of events with their times on the monotonic clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class HistoryEvent:
    """One event; `at` is its time in seconds on the monotonic clock."""

    at: float
    name: str
    details: Mapping[str, object] = field(default_factory=dict)


class History:
    """A list of events in the order of their times; several threads may write to it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._offset = time.time() - time.monotonic()
        self._lock = Lock()
        self._events: list[HistoryEvent] = []

    def record(self, name: str, **details: object) -> HistoryEvent:
        """Add an event with the current time."""
        with self._lock:
            event = HistoryEvent(self._clock(), name, details)
            self._events.append(event)
        return event

    def wall(self, at: float) -> float:
        """Convert an event's time to seconds since 1970 UTC, the wall clock of this machine."""
        return at + self._offset

    @property
    def events(self) -> tuple[HistoryEvent, ...]:
        """All events recorded so far."""
        with self._lock:
            return tuple(self._events)

    def first(self, name: str) -> HistoryEvent | None:
        """Return the first event of this name; None: no event has this name."""
        return next((event for event in self.events if event.name == name), None)

    def seconds(self, start: str, end: str) -> float | None:
        """Return the seconds from the first `start` to the first `end` at or after it; None: one of them is missing."""
        started = self.first(start)
        if started is None:
            return None
        later = (event for event in self.events if event.name == end and event.at >= started.at)
        ended = next(later, None)
        return None if ended is None else ended.at - started.at
