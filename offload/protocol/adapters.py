"""Everything that the protocol needs of the world, in one noun."""

from __future__ import annotations

from dataclasses import dataclass

from offload.ports.engine import Engine
from offload.ports.lake import Lake
from offload.ports.source import Clock, Source
from offload.ports.verifier import Verifier
from offload.ports.watermarks import Watermarks


@dataclass(frozen=True)
class Adapters:
    """The ports, each with the one thing that stands behind it."""

    source: Source
    verifier: Verifier
    lake: Lake
    watermarks: Watermarks
    engine: Engine
    clock: Clock
    limits: Limits


@dataclass(frozen=True)
class Limits:
    """`buffer` is in seconds; `batch_rows` is what one commit publishes at most."""

    buffer: float
    batch_rows: int
