"""The adapters that a command is given: one per port, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from offload.ports.engine import Engine
from offload.ports.lake import ColdFiles, Lake, Rewriter
from offload.ports.probes import DatabaseRights, HotServer, ProbeFile
from offload.ports.source import Clock, Source
from offload.ports.watermarks import Cycles, Views, WatermarkChanges, Watermarks


@dataclass(frozen=True)
class Limits:
    """
    Limits of a run.

    Attributes:
        buffer: Seconds between the end of a window and the clock.
        batch_rows: The largest number of rows of one commit.
        batch_time: The longest time, in seconds, within which the rows of one commit lie; None: any.
    """

    buffer: float
    batch_rows: int
    batch_time: float | None = None


@dataclass(frozen=True)
class Adapters:
    """One adapter per port."""

    source: Source
    lake: Lake
    cold_files: ColdFiles
    rewriter: Rewriter
    watermarks: Watermarks
    cycles: Cycles
    views: Views
    changes: WatermarkChanges
    engine: Engine
    clock: Clock
    limits: Limits


@dataclass(frozen=True)
class Probes:
    """
    What `doctor` examines.

    Each part is made at its first use: an address that cannot be read is an error of that part only.
    """

    server: Callable[[], HotServer]
    source: Callable[[], Source]
    catalog: Callable[[], DatabaseRights]
    lake: Callable[[], Lake]
    store: Callable[[], DatabaseRights]
    watermarks: Callable[[], Watermarks]
    file: Callable[[], ProbeFile]
    engine: Callable[[], Engine]
    clock: Clock
