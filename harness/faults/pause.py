"""A service that hangs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults import probe

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Pause:
    """Freeze a service: its sockets stay open, and it answers no request."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """Freeze every process of the container."""
        stack.container(self.service).pause()

    def is_active(self, stack: Stack) -> bool:
        """True if the Docker engine says that the container is paused."""
        return stack.container(self.service).is_paused()

    def is_observable(self, stack: Stack) -> bool:
        """True if a probe of the service fails now."""
        return probe.fails(stack, self.service)

    def heal(self, stack: Stack) -> None:
        """Continue every process of the container; no effect where the fault is not active."""
        if self.is_active(stack):
            stack.container(self.service).unpause()
