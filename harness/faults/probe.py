"""The probe that the faults of a server share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.stack.service import Service
    from harness.stack.stack import Stack


def fails(stack: Stack, service: Service) -> bool:
    """True if a query to the service gets no answer now."""
    return not stack.container(service).answers()
