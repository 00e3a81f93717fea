"""The adapters that a command is given: one per port, and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from offload.ports.engine import Engine
from offload.ports.lake import ColdFiles, Lake
from offload.ports.source import Clock, Source
from offload.ports.watermarks import Watermarks


@dataclass(frozen=True)
class Limits:
    """`buffer` is in seconds; `batch_rows` is the largest number of rows of one commit."""

    buffer: float
    batch_rows: int


@dataclass(frozen=True)
class Adapters:
    """One adapter per port."""

    source: Source
    lake: Lake
    cold_files: ColdFiles
    watermarks: Watermarks
    engine: Engine
    clock: Clock
    limits: Limits
