"""What `doctor` examines, in memory; an error that is given is raised by the method of that name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from offload.errors import OffloadError
from offload.fakes.source import FakeClock
from offload.ports.probes import DatabaseRights, HotServer, ProbeFile

URI = "memory:probe"


@dataclass
class FakeServer(HotServer):
    """A server that reads the files of a warehouse."""

    number: str = "25.8.1.1"
    warehouse: Mapping[str, int] = field(default_factory=dict)

    @override
    def version(self) -> str:
        return self.number

    @override
    def probe_value(self, uri: str) -> int | None:
        return self.warehouse.get(uri)


@dataclass
class FakeDatabase(DatabaseRights):
    """A database that keeps nothing."""

    has_tables: bool = True
    clock: FakeClock = field(default_factory=FakeClock)
    errors: dict[str, OffloadError] = field(default_factory=dict)

    @override
    def prepared(self) -> bool:
        return self.has_tables

    @override
    def rehearse(self) -> None:
        _raise(self.errors, "rehearse")

    @override
    def now(self) -> int:
        return self.clock.now()


@dataclass
class FakeProbeFile(ProbeFile):
    """One file; `stored` is the warehouse, `hidden` a list of it that lags behind."""

    stored: dict[str, int] = field(default_factory=dict)
    hidden: bool = False
    errors: dict[str, OffloadError] = field(default_factory=dict)

    @override
    def check(self) -> None:
        _raise(self.errors, "check")

    @override
    def write(self, value: int) -> str:
        self.stored[URI] = value  # an upload that was not answered may have landed
        _raise(self.errors, "write")
        return URI

    @override
    def read(self) -> int:
        _raise(self.errors, "read")
        return self.stored[URI]

    @override
    def listed(self) -> bool:
        return URI in self.stored and not self.hidden

    @override
    def remove(self) -> None:
        _raise(self.errors, "remove")
        self.stored.pop(URI, None)


def _raise(errors: Mapping[str, OffloadError], method: str) -> None:
    if method in errors:
        raise errors[method]
