"""A fault of the process that it runs in, which fires at a named event of a run."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock, get_ident
from typing import Protocol

from harness.waiting import wait_until

LOCK_TIMEOUT = 10.0


class Action(StrEnum):
    """The effect of a fault on its own process."""

    KILL = "kill"
    FREEZE = "freeze"
    RAISE = "raise"


class StepEvent(Protocol):
    """An event of a run; its text is `before:publish`, `after:write`, `at:file_written` or similar."""

    @property
    def table(self) -> str:
        """The table of the run."""

    @property
    def rows(self) -> int:
        """Rows planned, written or published so far."""


class InjectedError(RuntimeError):
    """The error of `Action.RAISE`. The subject does not know it, so it must treat it as a bug."""


@dataclass
class ProcessFault:
    """
    A listener that fires once, at the `nth` event called `at`.

    The marker is on disk before the fault fires: it proves that the fault fired.
    """

    at: str
    action: Action
    nth: int = 1
    marker: Path | None = None
    _seen: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, event: StepEvent) -> None:
        """
        Fire if this is the event; several threads of the subject may emit events at the same time.

        Raises:
            InjectedError: The action is `raise`.
        """
        with self._lock:
            self._seen += str(event) == self.at
            if str(event) != self.at or self._seen != self.nth:
                return
            if self.marker:
                self.marker.write_text(f"{self.action} at {event} of {event.table}, {event.rows} rows\n")
            self._fire(event)

    def _fire(self, event: StepEvent) -> None:
        if self.action is Action.RAISE:
            raise InjectedError(f"injected at {event}")
        if self.action is Action.FREEZE:
            # A process that is frozen inside a transaction of SQLite blocks the database for every other process.
            wait_until(lambda: not _has_file_lock(), lambda: f"expected no file lock at {event}", LOCK_TIMEOUT)
        # A signal to the process could be delivered to another thread, while this one still runs.
        signal.pthread_kill(get_ident(), signal.SIGKILL if self.action is Action.KILL else signal.SIGSTOP)


def _has_file_lock() -> bool:
    """True if this process has a POSIX file lock, as SQLite takes for each transaction; see proc_locks(5)."""
    locks = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return any(fields[1] == "POSIX" and fields[4] == str(os.getpid()) for fields in locks)
