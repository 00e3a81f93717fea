"""
Every interleaving of two runs with up to four switches, with kills, lost answers, late commits, clock steps, restores.

Deterministic: the fakes have no clock and no chance of their own. Eight bugs planted in the protocol are all found.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from offload.commands import run as run_command
from offload.errors import Unavailable
from offload.fakes import FakeWorld
from offload.fakes.lake import FakeLake
from offload.model.windows import Window
from offload.ports.watermarks import TableWatermark
from offload.protocol import commit as commit_module
from offload.protocol import recover, verify
from offload.protocol.reconciliation import late_rows, sweep
from tests.support.interleaving import Actor, Catalog, Simulation, kill, violations

EVENTS = 22  # of a run of two batches
STEP = int(os.environ.get("TIDEMARK_SIMULATION_STEP", "2"))  # 1: every event; 2: every other one
OUTCOMES = ["landed", "refused", "conflict", "silent", "late"]


def world() -> Simulation:
    """Rows of two batches, with a tie and a second delivery; some are published already."""
    made = FakeWorld(batch_rows=3)
    made.lake = Catalog()
    made.hot.rows = [("a", 1), ("b", 2)]
    made.clock.time = 2
    simulation = Simulation(made)
    simulation.start("first").go_on(None)
    made.hot.rows += [("c", 3), ("d", 4), ("d", 4), ("e", 5), ("f", 5), ("g", 6)]
    made.clock.time = 10
    simulation.look()
    return simulation


def taken_over(simulation: Simulation) -> Callable[[], None]:
    """The lease of the run that is frozen has ended."""
    return lambda: setattr(simulation.world.watermarks, "dead", True)


def pair(simulation: Simulation) -> tuple[Actor, Actor]:
    """Two runs, of which the second takes over."""
    return simulation.start("one"), simulation.start("two")


def interleavings() -> Iterator[Simulation]:
    """The first run stops at i, the second at j, the first again at k; then both end."""
    for i, j, k in itertools.product(range(1, EVENTS, STEP), range(1, EVENTS, STEP), range(0, EVENTS, 2 * STEP)):
        simulation = world()
        one, two = pair(simulation)
        one.go_on(i)
        taken_over(simulation)()
        simulation.play((two, j), (one, i + k), (two, None), (one, None))
        yield simulation


def kills() -> Iterator[Simulation]:
    """The first run is killed at i, and the second at j."""
    for i, j in itertools.product(range(1, EVENTS), range(1, EVENTS, STEP)):
        simulation = world()
        one, two = pair(simulation)
        one.at[i], two.at[j] = kill, kill
        one.go_on(None)
        taken_over(simulation)()
        two.go_on(None)
        yield simulation


def answers() -> Iterator[Simulation]:
    """Each outcome of the first or second commit; a late one arrives at every event of the next run, or after it."""
    for outcome, nth, at in itertools.product(OUTCOMES, (1, 2), range(1, EVENTS + 2)):
        simulation = world()
        simulation.lake.sent, simulation.lake.outcomes = 0, {nth: outcome}
        one, two = pair(simulation)
        one.go_on(None)
        two.at[at] = simulation.lake.arrive
        two.go_on(None)
        simulation.lake.arrive()
        yield simulation


def answers_of_two() -> Iterator[Simulation]:
    """The first run's commit is on its way, or lost, while the second one takes over."""
    for outcome, i, nth in itertools.product(OUTCOMES, range(1, EVENTS, STEP), (1, 2, 3)):
        simulation = world()
        simulation.lake.sent, simulation.lake.outcomes = 0, {nth: outcome}
        one, two = pair(simulation)
        one.go_on(i)
        taken_over(simulation)()
        simulation.play((two, i), (one, None))
        simulation.lake.arrive()
        yield simulation


def clocks() -> Iterator[Simulation]:
    """The clock steps back or ahead at each event, and rows arrive late, at the watermark itself and below it."""
    for at, step in itertools.product(range(1, EVENTS), (-9, -1, 50)):
        simulation = world()
        one, two = pair(simulation)

        def change(simulation: Simulation = simulation, at: int = at, step: int = step) -> None:
            simulation.world.clock.time += step
            simulation.world.hot.rows += [(f"late-{at}", 2), (f"tie-{at}", 6), (f"early-{at}", 1)]

        one.at[at] = change
        one.go_on(None)
        two.go_on(None)
        yield simulation


def vanishings() -> Iterator[Simulation]:
    """Rows are deleted from hot at each event."""
    for at in range(1, EVENTS):
        simulation = world()
        one, _ = pair(simulation)

        def delete(simulation: Simulation = simulation) -> None:
            simulation.world.hot.rows[:] = [row for row in simulation.world.hot.rows if row[0] not in {"c", "e"}]

        one.at[at] = delete
        one.go_on(None)
        yield simulation


def restores() -> Iterator[Simulation]:
    """The catalog goes back to an older snapshot, with or without the store; hot has dropped rows, or not."""
    for kept, store, dropped in itertools.product((1, 2), (False, True), (False, True)):
        simulation = world()
        before = simulation.world.watermarks.row, list(simulation.world.watermarks.published)
        coverage = simulation.world.lake.coverage
        one, _ = pair(simulation)
        one.go_on(None)
        simulation.look()
        del simulation.world.lake.snapshots[kept:]
        simulation.world.lake.coverage = coverage
        simulation.restored = True
        if store:
            simulation.world.watermarks.row = replace(before[0], owner=None)
            simulation.world.watermarks.published = before[1]
        if dropped:
            simulation.world.hot.rows[:] = [("h", 8)]
        yield simulation


FAMILIES = [interleavings, kills, answers, answers_of_two, clocks, vanishings, restores]


def broken(family: Callable[[], Iterator[Simulation]]) -> list[tuple[int, list[str], Any]]:
    """The simulations of a family in which an invariant does not hold."""
    found = []
    for number, simulation in enumerate(family()):
        simulation.settle()
        if names := violations(simulation):
            found.append((number, names, simulation.results))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_invariant_holds(family: Callable[[], Iterator[Simulation]]) -> None:
    """After each, with one more run that nothing disturbs."""
    assert broken(family)[:3] == []


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """The catalog accepts a commit on top of anything."""
    land = FakeLake.land

    def accepted(lake: FakeLake, spec: Any, _: Any, publication: Any) -> None:
        now = lake.load(spec)
        assert now is not None
        land(lake, spec, now, publication)

    patch.setattr(FakeLake, "land", accepted)


def record_before_publish(patch: pytest.MonkeyPatch) -> None:
    """The store has the watermark before the rows are published."""
    publish = run_command.publish

    def early(session: Any, hot: Any, state: Any, batch: Any, files: Any, late: Any) -> Any:
        mark = max(file.source.last for file in files)
        session.lease.repair(TableWatermark(mark, None, None, state.uuid))
        return publish(session, hot, state, batch, files, late)

    patch.setattr(run_command, "publish", early)


def a_retry_that_rebases(patch: pytest.MonkeyPatch) -> None:
    """After a conflict the same files are sent on top of whatever is there."""
    patch.setattr(commit_module, "_after_error", lambda lake, spec, *_: lake.load(spec))


def strict_at_ties(patch: pytest.MonkeyPatch) -> None:
    """Rows at the watermark itself are not looked for."""
    of_bucket = late_rows.window_of

    def below(*given: int) -> Window:
        window = of_bucket(*given)
        return replace(window, high=window.high - 1)

    patch.setattr(late_rows, "Window", lambda low, high: Window(low, high - 1))
    patch.setattr(late_rows, "window_of", below)
    patch.setattr(sweep, "window_of", below)


def unknown_taken_for_failure(patch: pytest.MonkeyPatch) -> None:
    """An error means that nothing has landed."""
    patch.setattr(commit_module, "_after_error", lambda *given: given[2])


def late_landing_ignored(patch: pytest.MonkeyPatch) -> None:
    """A commit that is not there yet will not come."""
    patch.setattr(Unavailable, "overdue", property(lambda _: False, lambda *_: None))


def duplicates_by_difference(patch: pytest.MonkeyPatch) -> None:
    """What was not published is a duplicate, whatever it is."""
    right = verify.Verification.check_cover

    def difference(self: Any, files: Any) -> tuple[int, int]:
        right(self, files)
        return self._batch.stats.rows - sum(file.rows for file in files), 0

    patch.setattr(verify.Verification, "check_cover", difference)


def store_repaired_from_an_older_table(patch: pytest.MonkeyPatch) -> None:
    """Any disagreement is the store's fault."""
    patch.setattr(recover, "rows_to_publish_again", lambda *_: None)


PLANTED: dict[Callable[[pytest.MonkeyPatch], None], list[Callable[[], Iterator[Simulation]]]] = {
    no_fence: [answers, interleavings],
    record_before_publish: [kills, answers],
    a_retry_that_rebases: [interleavings, answers_of_two],
    strict_at_ties: [clocks],
    unknown_taken_for_failure: [answers],
    late_landing_ignored: [answers],
    duplicates_by_difference: [vanishings],
    store_repaired_from_an_older_table: [restores],
}


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_each_planted_bug_is_found(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation would go red if the protocol had it."""
    bug(monkeypatch)

    assert any(broken(family) for family in PLANTED[bug])
