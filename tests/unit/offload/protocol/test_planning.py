"""The window of a table whose clocks were read before another table fixed the bound of the cycle."""

from __future__ import annotations

from offload.commands.run import run
from offload.fakes import FAKE_SPEC, FakeWorld
from offload.model.windows import Bound


def test_clocks_read_before_the_bound_was_fixed_are_read_again() -> None:
    """Of two tables side by side, the slower one ends where the bound is, and not at its own earlier time."""
    world, bound = FakeWorld(), Bound()
    world.hot.rows, world.clock.time = [("a", 1)], 100
    read = world.clock.now

    def fixed_by_another_table() -> int:
        earlier = read()
        world.clock.time = 200
        bound.fixed(200, 200, 0.0)
        return earlier

    world.clock.now = fixed_by_another_table  # type: ignore[method-assign]
    result = run(world.adapters(), FAKE_SPEC, "run", bound=bound)

    assert result.window is not None, result
    assert result.window["to"] == "1970-01-01T00:00:00.000200Z"


def test_a_clock_that_went_back_ends_the_window_before_the_bound() -> None:
    """The bound of the cycle is no reason to read beyond the clocks."""
    world, bound = FakeWorld(), Bound()
    world.hot.rows, world.clock.time = [("a", 1)], 100
    bound.fixed(200, 200, 0.0)

    result = run(world.adapters(), FAKE_SPEC, "run", bound=bound)

    assert result.window is not None, result
    assert result.window["to"] == "1970-01-01T00:00:00.000100Z"
