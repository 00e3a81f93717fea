"""Everything that the protocol needs of the world, in one noun."""

from __future__ import annotations

from dataclasses import dataclass

from offload.planning import Limits
from offload.ports import Clock, Engine, Lake, Source, Verifier, Watermarks


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
