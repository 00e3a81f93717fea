"""A service that hangs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Pause:
    """Freeze a service: its sockets stay open and nothing ever answers."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """Freeze every process of the container."""
        stack.container(self.service).pause()

    def is_active(self, stack: Stack) -> bool:
        """The engine says so."""
        return stack.container(self.service).is_paused()

    def is_observable(self, stack: Stack) -> bool:
        """A query gets no answer."""
        return not stack.container(self.service).answers()

    def heal(self, stack: Stack) -> None:
        """Thaw it; harmless when it never landed or is already undone."""
        if self.is_active(stack):
            stack.container(self.service).unpause()
