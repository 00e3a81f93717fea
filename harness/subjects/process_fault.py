"""A fault that strikes the process it runs in, at a named moment of a run."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Action(StrEnum):
    """What a fault does to its own process."""

    KILL = "kill"
    FREEZE = "freeze"
    RAISE = "raise"


class StepEvent(Protocol):
    """What a run tells its listeners; its text is `before:publish`, `after:write`, `at:file_written` and the like."""

    @property
    def table(self) -> str:
        """The table whose run it is."""

    @property
    def rows(self) -> int:
        """Rows known at that moment."""


class InjectedError(RuntimeError):
    """What `Action.RAISE` raises: no error that the subject knows, so it must treat it as a bug."""


@dataclass
class ProcessFault:
    """
    A listener that strikes once, at the `nth` moment called `at`.

    The marker is on disk before the fault strikes: it proves that the fault landed.
    """

    at: str
    action: Action
    nth: int = 1
    marker: Path | None = None
    _seen: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, moment: StepEvent) -> None:
        """
        Strike if this is the moment; the subject's threads may tell moments at the same time.

        Raises:
            InjectedError: The action is `raise`.
        """
        with self._lock:
            self._seen += str(moment) == self.at
            if str(moment) != self.at or self._seen != self.nth:
                return
            if self.marker:
                self.marker.write_text(f"{self.action} at {moment} of {moment.table}, {moment.rows} rows\n")
            self._strike(moment)

    def _strike(self, moment: StepEvent) -> None:
        if self.action is Action.RAISE:
            raise InjectedError(f"struck at {moment}")
        # Sent to the process, it could be taken by another thread while this one runs on for an instant.
        signal.pthread_kill(get_ident(), signal.SIGKILL if self.action is Action.KILL else signal.SIGSTOP)
