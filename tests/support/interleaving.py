"""Runs of fakes that stop at chosen events, so that every interleaving of two can be tried; and their invariants."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from typing_extensions import override

from offload.commands.run import run
from offload.errors import Unavailable
from offload.fakes import FAKE_SPEC, FakeWorld
from offload.fakes.lake import FakeLake
from offload.model.cold_table import Publication, TableState
from offload.model.steps import StepEvent
from offload.model.table import TableSpec
from offload.ports.lake import Conflict
from offload.results import TableResult

COPIES = 1  # second deliveries among the rows of a simulation


class Killed(BaseException):
    """The process was killed: no code runs after it, and the lease is not released."""


def overdue() -> Unavailable:
    """A call that was not answered in time."""
    error = Unavailable("an answer", "no answer", "run the command again")
    error.overdue = True
    return error


@dataclass
class Catalog(FakeLake):
    """
    A cold table whose nth commit has an outcome of its own.

    Attributes:
        outcomes: By the number of the commit, from 1: `landed` (and the answer is lost), `refused` (400 or 500, nothing
            lands), `conflict` (409 although it landed), `silent` (nothing lands) and `late` (lands when `arrive` is
            called).
    """

    outcomes: dict[int, str] = field(default_factory=dict)
    sent: int = 0
    on_its_way: list[Callable[[], None]] = field(default_factory=list)

    @override
    def commit(
        self, spec: TableSpec, state: TableState, publication: Publication, on_uploaded: Callable[[], None]
    ) -> None:
        self.sent += 1
        outcome = self.outcomes.get(self.sent)
        on_uploaded()
        if outcome in {None, "landed", "conflict"}:
            self.land(spec, state, publication)
        if outcome == "landed":
            raise Unavailable("an answer", "connection reset", "run the command again")
        if outcome == "conflict":
            raise Conflict("409 of a proxy that asked twice")
        if outcome == "refused":
            raise Unavailable("an answer", "500", "run the command again")
        if outcome in {"silent", "late"}:
            if outcome == "late":
                self.on_its_way.append(lambda: self.land(spec, state, publication))
            raise overdue()

    def arrive(self) -> None:
        """Every commit that is on its way reaches the catalog, which accepts it or not."""
        arrived, self.on_its_way = self.on_its_way, []
        for land in arrived:
            try:
                land()
            except Conflict:
                continue


@dataclass
class Simulation:
    """
    Runs on one world of fakes.

    Attributes:
        world: The world.
        results: What each run reported; None: it was killed.
        published: Every row that was ever seen in cold.
        restored: The catalog was restored from a backup.
        ahead: The store was seen with a watermark that the table did not have.
    """

    world: FakeWorld
    results: dict[str, TableResult | None] = field(default_factory=dict)
    published: set[Any] = field(default_factory=set)
    restored: bool = False
    ahead: bool = False

    @property
    def lake(self) -> Catalog:
        """The cold table."""
        assert isinstance(self.world.lake, Catalog)
        return self.world.lake

    def look(self) -> None:
        """Remember what readers see, in cold and in the store."""
        self.published |= set(self.world.lake.rows())
        mark = self.world.lake.snapshots[-1][0].watermark_ticks if self.world.lake.snapshots else None
        in_store = self.world.watermarks.row.watermark.ticks
        if in_store is not None and in_store > (mark or 0) and not self.restored:
            self.ahead = True

    def start(self, name: str) -> Actor:
        """A run that has not begun."""
        return Actor(self, name)

    def play(self, *turns: tuple[Actor, int | None]) -> None:
        """Let runs go on, each up to its nth event or to its end, one after the other."""
        for actor, until in turns:
            actor.go_on(until)
            self.look()
        for actor, _ in turns:
            actor.go_on(None)
        self.look()

    def settle(self) -> TableResult:
        """A last run, with nothing beside it."""
        self.world.watermarks.dead = True
        self.start("last").go_on(None)
        self.look()
        last = self.results["last"]
        assert last is not None
        return last


class Actor:
    """One run in a thread of its own, of which one at a time goes on."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.simulation, self.name = simulation, name
        self.events: list[str] = []
        self.at: dict[int, Callable[[], None]] = {}
        self._until: int | None = None
        self._go, self._parked = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._store = simulation.world.watermarks.row, list(simulation.world.watermarks.published)
        self.ended = False

    def go_on(self, until: int | None) -> None:
        """Up to the nth event or to the end."""
        if self.ended:
            return
        self._until = until
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self._go.release()
        assert self._parked.acquire(timeout=30), f"{self.name} hangs after {self.events}"
        self.simulation.look()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            result = run(self.simulation.world.adapters(), FAKE_SPEC, self.name, listeners=[self._listen])
            self.simulation.results[self.name] = result
        except Killed:  # a killed process records nothing: undo what the passing exception has recorded
            self.simulation.results[self.name] = None
            self.simulation.world.watermarks.row, self.simulation.world.watermarks.published = self._store
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread
            self._error = error
        self.ended = True
        self._parked.release()

    def _listen(self, event: StepEvent) -> None:
        self.events.append(str(event))
        watermarks = self.simulation.world.watermarks
        self._store = watermarks.row, list(watermarks.published)
        if act := self.at.get(len(self.events)):
            act()
        if self._until == len(self.events):
            self._parked.release()
            self._go.acquire()


def kill() -> None:
    """End the run as a kill does."""
    raise Killed


def violations(simulation: Simulation) -> list[str]:
    """Which of I1 to I7 do not hold after a last run; `settle` must have been called."""
    world, last = simulation.world, simulation.results["last"]
    assert last is not None
    cold = Counter(world.lake.rows())
    tokens = [token for token, _ in world.lake.snapshots]
    marks = [token.watermark_ticks or 0 for token in tokens]
    hot = set(world.hot.rows)
    below = {row for row in hot if marks and row[1] <= marks[-1]}
    told = last.exit_code == 65 or any(f"gone from {FAKE_SPEC.target}" in one for one in last.warnings)
    found = {
        "I1": any(count > 1 for count in cold.values()),
        "I2": not set(cold) <= hot | simulation.published,
        "I3": last.exit_code == 0 and not below <= set(cold),
        "I4": any(before > after for before, after in pairwise(marks)),
        "I5": any(token.rows != _rows(world, paths) for token, paths in world.lake.snapshots),
        "I6": not simulation.restored and not simulation.published <= set(cold),
        "I7 bug": any(result is not None and result.exit_code == 70 for result in simulation.results.values()),
        "I7 lost": simulation.restored and not simulation.published <= set(cold) and not told,
        "I7 store": last.exit_code == 0 and world.watermarks.row.watermark.ticks != (marks[-1] if marks else None),
        "I7 store ahead": simulation.ahead,
        "I7 counts": any(result and result.duplicates_dropped > COPIES for result in simulation.results.values()),
        "I7 report": any(not _honest(world, name, result) for name, result in simulation.results.items()),
    }
    return [name for name, violated in found.items() if violated]


def _rows(world: FakeWorld, paths: Sequence[str]) -> int:
    return sum(len(world.lake.files_by_path[path]) for path in paths)


def _honest(world: FakeWorld, name: str, result: TableResult | None) -> bool:
    """A run reports every row that it published, unless it says that it does not know."""
    if result is None or (result.error and result.error["kind"] == "OutcomeUnknown"):
        return True
    return result.rows >= sum(token.rows for token, _ in world.lake.snapshots if token.run_id == name)
