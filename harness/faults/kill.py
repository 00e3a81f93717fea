"""A service that is killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults import probe

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Kill:
    """Kill a service with SIGKILL: it completes no request and closes no connection itself."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """Send SIGKILL."""
        stack.container(self.service).kill()

    def is_active(self, stack: Stack) -> bool:
        """True if the Docker engine says that the container is not running."""
        return not stack.container(self.service).is_running()

    def is_observable(self, stack: Stack) -> bool:
        """True if a probe of the service fails now."""
        return probe.fails(stack, self.service)

    def heal(self, stack: Stack) -> None:
        """Start the same container again; no effect where the fault is not active."""
        if self.is_active(stack):
            stack.container(self.service).start()
