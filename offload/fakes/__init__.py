"""
Every port in memory, deterministic: for simulations of the protocol, and for authors of an engine.

A row is (key, ticks); its content is its key. A clock changes only when it is set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from offload.fakes.lake import FakeEngine, FakeLake, FakeVerifier
from offload.fakes.probes import FakeDatabase, FakeProbeFile, FakeServer
from offload.fakes.source import FAKE_SPEC, FakeClock, FakeRows, FakeSource
from offload.fakes.watermarks import FakeChanges, FakeWatermarks
from offload.protocol.adapters import Adapters, Limits, Probes

__all__ = ["FAKE_SPEC", "FakeClock", "FakeRows", "FakeWorld"]


@dataclass
class FakeWorld:
    """One fake per port; `adapters()` returns them for a run, `probes()` for `doctor`."""

    clock: FakeClock = field(default_factory=FakeClock)
    lake: FakeLake = field(default_factory=FakeLake)
    watermarks: FakeWatermarks = field(default_factory=FakeWatermarks)
    changes: FakeChanges = field(default_factory=FakeChanges)
    hot: FakeRows = field(default_factory=FakeRows)
    batch_rows: int = 5
    server: FakeServer = field(default_factory=FakeServer)
    database: FakeDatabase = field(default_factory=FakeDatabase)
    file: FakeProbeFile = field(default_factory=FakeProbeFile)

    def adapters(self) -> Adapters:
        """The fakes."""
        self.hot.files = self.lake.files_by_path
        verifier = FakeVerifier(self.lake, self.hot)
        return Adapters(
            source=FakeSource(self.clock, self.hot, verifier, verifier),
            lake=self.lake,
            cold_files=self.lake,
            rewriter=self.lake,
            watermarks=self.watermarks,
            cycles=self.watermarks,
            views=self.watermarks,
            changes=self.changes,
            engine=FakeEngine(self.lake),
            clock=self.clock,
            limits=Limits(0.0, self.batch_rows),
        )

    def probes(self) -> Probes:
        """The fakes; the catalog and the store share one database, whose clock is that of the world."""
        adapters = self.adapters()
        self.server.warehouse, self.database.clock = self.file.stored, self.clock
        return Probes(
            server=lambda: self.server,
            source=lambda: adapters.source,
            catalog=lambda: self.database,
            lake=lambda: adapters.lake,
            store=lambda: self.database,
            watermarks=lambda: adapters.watermarks,
            file=lambda: self.file,
            engine=lambda: adapters.engine,
            clock=self.clock,
        )
