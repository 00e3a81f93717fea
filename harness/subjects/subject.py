"""
A subject: the job under test, as a scenario runs it.

A subject must be able to start. Everything else is an ability that a subject may have: `EmitsEvents` below, and the
abilities in `harness.checkers.abilities`, which are about the result. A fault or a checker that needs an ability
returns UNKNOWN for a subject without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from harness.child_process import ChildProcess
    from harness.model import Addresses


class Subject(Protocol):
    """
    A job that moves the rows of one hot table to a cold one, and ends.

    Attributes:
        retry_codes: Exit codes that ask for the same run later; empty: the job has no such code.
    """

    @property
    def retry_codes(self) -> AbstractSet[int]:
        """See above."""

    def start(self, addresses: Addresses, *, until: datetime | None = None) -> ChildProcess:
        """
        Start a run.

        Args:
            addresses: The table, and its servers.
            until: Rows later than this time are not moved; None: the job decides.
        """


@runtime_checkable
class EmitsEvents(Protocol):
    """A subject that can be killed or frozen at an event of its run."""

    def start_with_fault(
        self, addresses: Addresses, event: str, *, action: str, nth: int = 1, until: datetime | None = None
    ) -> ChildProcess:
        """
        Start a run that kills or freezes itself at an event.

        Args:
            addresses: The table, and its servers.
            event: Name of the event, such as `before:publish`.
            action: `kill`, `freeze` or `raise`.
            nth: The occurrence of the event, from 1.
            until: Rows later than this time are not moved.
        """
