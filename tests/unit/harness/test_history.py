from __future__ import annotations

from itertools import count

from harness.history import History


def test_events_stand_in_the_order_of_their_times() -> None:
    """Each event has the time of the clock at which it was recorded, and its details."""
    history = History(clock=map(float, count(10)).__next__)
    history.record("inject", fault="kill")
    history.record("heal")

    assert [(event.at, event.name, dict(event.details)) for event in history.events] == [
        (10.0, "inject", {"fault": "kill"}),
        (11.0, "heal", {}),
    ]


def test_the_time_between_two_events_is_told_where_both_happened() -> None:
    """An end before the beginning is another's end."""
    history = History(clock=map(float, count()).__next__)
    for name in ("success", "heal", "probe", "success"):
        history.record(name)

    assert history.seconds("heal", "success") == 2.0
    assert history.seconds("probe", "heal") is None
    assert history.seconds("inject", "success") is None
