"""A network that is interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


@dataclass(frozen=True)
class Disconnect:
    """Cut a service off: its port on this host is gone, and other containers' packets to it vanish without a word."""

    service: Service

    def inject(self, stack: Stack) -> None:
        """Take the container off its network."""
        stack.container(self.service).disconnect()

    def is_active(self, stack: Stack) -> bool:
        """The engine says so."""
        return not stack.container(self.service).is_connected()

    def is_observable(self, stack: Stack) -> bool:
        """A query gets no answer."""
        return not stack.container(self.service).answers()

    def heal(self, stack: Stack) -> None:
        """Give it its network and its names back; harmless when it never landed or is already undone."""
        if self.is_active(stack):
            stack.container(self.service).connect()
