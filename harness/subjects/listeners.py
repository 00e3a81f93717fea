"""A listener that calls a function once, during a run in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subjects.process_fault import StepEvent


@dataclass
class CallOnce:
    """
    A listener that calls a function at the first event called `at`, before the run goes on.

    Attributes:
        at: `before:publish`, `at:metadata_written` and the like.
        act: The function; an error that it raises ends the run.
        happened: The function has returned.
    """

    at: str
    act: Callable[[], object]
    happened: bool = False

    def __call__(self, event: StepEvent) -> None:
        """Call the function if this is the event."""
        if str(event) == self.at and not self.happened:
            self.act()
            self.happened = True
