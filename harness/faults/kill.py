"""A service that dies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Kill:
    """End a service with SIGKILL: it finishes nothing and says nothing."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """SIGKILL."""
        stack.container(self.service).kill()

    def is_active(self, stack: Stack) -> bool:
        """The engine says so."""
        return not stack.container(self.service).is_running()

    def is_observable(self, stack: Stack) -> bool:
        """A query gets no answer."""
        return not stack.container(self.service).answers()

    def heal(self, stack: Stack) -> None:
        """Start the same container again; harmless when it never landed or is already undone."""
        if self.is_active(stack):
            stack.container(self.service).start()
