from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.subjects.process_fault import Action, InjectedError, ProcessFault


@dataclass(frozen=True)
class Event:
    """An event as a run emits it."""

    name: str
    table: str = "trades"
    rows: int = 7

    def __str__(self) -> str:
        return self.name


def test_a_fault_strikes_once_at_the_nth_moment_of_its_name(tmp_path: Path) -> None:
    """Other events do not count, and the fault fires once."""
    fault = ProcessFault("at:file_written", Action.RAISE, nth=2, marker=tmp_path / "marker")
    fired = []

    for name in ("at:file_written", "after:write", "at:file_written", "at:file_written"):
        try:
            fault(Event(name))
        except InjectedError:
            fired.append(name)
        else:
            fired.append("")

    assert fired == ["", "", "at:file_written", ""]


def test_the_marker_is_written_when_the_fault_strikes_and_not_before(tmp_path: Path) -> None:
    """It is the proof that the fault landed, and says where."""
    marker = tmp_path / "marker"
    fault = ProcessFault("after:write", Action.RAISE, marker=marker)
    fault(Event("before:write"))
    early = marker.exists()

    with pytest.raises(InjectedError):
        fault(Event("after:write"))

    assert not early
    assert marker.read_text() == "raise at after:write of trades, 7 rows\n"
