"""Everything that the protocol needs of the world, in one noun."""

from __future__ import annotations

from dataclasses import dataclass

from offload.ports.source import (
    Clock,
    Engine,
    Lake,
    Source,
    Verifier,
    Watermarks,
)
from offload.protocol.planning import Limits


@dataclass(frozen=True)
class Parts:
    """The ports, each with the one thing that stands behind it."""

    source: Source
    verifier: Verifier
    lake: Lake
    watermarks: Watermarks
    engine: Engine
    clock: Clock
    limits: Limits
