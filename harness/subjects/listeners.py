"""Something that happens once, in the middle of a run in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subjects.process_fault import StepEvent


@dataclass
class CallOnce:
    """
    A listener that acts at the first moment called `at`, before the run goes on.

    Attributes:
        at: `before:publish`, `at:metadata_written` and the like.
        act: What happens; what it raises ends the run.
        happened: It has returned: the proof that it landed.
    """

    at: str
    act: Callable[[], object]
    happened: bool = False

    def __call__(self, moment: StepEvent) -> None:
        """Act if this is the moment."""
        if str(moment) == self.at and not self.happened:
            self.act()
            self.happened = True
