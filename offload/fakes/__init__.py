"""
Every port in memory, deterministic: for simulations of the protocol, ours and those of whoever writes an engine.

A row is (key, ticks); its content is its key. Each fake counts time only where it is told to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from offload.fakes.lake import FakeEngine, FakeLake, FakeVerifier
from offload.fakes.source import FAKE_SPEC, FakeClock, FakeHot
from offload.fakes.watermarks import FakeWatermarks
from offload.protocol.adapters import Adapters, Limits

__all__ = ["FAKE_SPEC", "FakeClock", "FakeHot", "FakeWorld"]


@dataclass
class FakeWorld:
    """All of it, wired: `parts()` is what a run takes."""

    clock: FakeClock = field(default_factory=FakeClock)
    lake: FakeLake = field(default_factory=FakeLake)
    watermarks: FakeWatermarks = field(default_factory=FakeWatermarks)
    batch_rows: int = 5

    def __post_init__(self) -> None:
        self.hot = FakeHot(self.clock)

    def adapters(self) -> Adapters:
        """The ports."""
        return Adapters(
            source=self.hot,
            verifier=FakeVerifier(self.lake),
            lake=self.lake,
            watermarks=self.watermarks,
            engine=FakeEngine(self.lake),
            clock=self.clock,
            limits=Limits(0.0, self.batch_rows),
        )
