"""What happened when: one list of events on the monotonic clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class HistoryEvent:
    """Something that happened `at` so many seconds of the monotonic clock."""

    at: float
    name: str
    details: Mapping[str, object] = field(default_factory=dict)


class History:
    """Events in the order of their times; may be written from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ahead = time.time() - time.monotonic()
        self._lock = Lock()
        self._events: list[HistoryEvent] = []

    def record(self, name: str, **details: object) -> HistoryEvent:
        """Add an event that happens now."""
        with self._lock:
            event = HistoryEvent(self._clock(), name, details)
            self._events.append(event)
        return event

    def wall(self, at: float) -> float:
        """An event's time in seconds since 1970 UTC, as other clocks of this machine show it."""
        return at + self._ahead

    @property
    def events(self) -> tuple[HistoryEvent, ...]:
        """All events so far."""
        with self._lock:
            return tuple(self._events)

    def first(self, name: str) -> HistoryEvent | None:
        """The first event of that name, or None."""
        return next((event for event in self.events if event.name == name), None)

    def seconds(self, start: str, end: str) -> float | None:
        """Seconds from the first `start` to the first `end` at or after it; None where either is missing."""
        begun = self.first(start)
        if begun is None:
            return None
        later = (event for event in self.events if event.name == end and event.at >= begun.at)
        ended = next(later, None)
        return None if ended is None else ended.at - begun.at
