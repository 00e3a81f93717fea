"""A network that is interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults import probe

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Disconnect:
    """Disconnect a service: its port on this host is closed, and packets of other containers to it are dropped."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """Remove the container from its network."""
        stack.container(self.service).disconnect()

    def is_active(self, stack: Stack) -> bool:
        """True if the Docker engine says that the container is on no network."""
        return not stack.container(self.service).is_connected()

    def is_observable(self, stack: Stack) -> bool:
        """True if a probe of the service fails now."""
        return probe.fails(stack, self.service)

    def heal(self, stack: Stack) -> None:
        """Connect the container to its network again, under the same names; no effect where the fault is not active."""
        if self.is_active(stack):
            stack.container(self.service).connect()
