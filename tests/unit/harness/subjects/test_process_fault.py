from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.subjects import process_fault
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


def test_a_file_lock_of_the_process_is_found(tmp_path: Path) -> None:
    """A run must not be frozen inside a transaction of SQLite: the database would be locked for all other runs."""
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
        before = process_fault._has_file_lock()
        connection.execute("BEGIN IMMEDIATE")
        inside = process_fault._has_file_lock()
        connection.execute("COMMIT")

    assert (before, inside, process_fault._has_file_lock()) == (False, True, False)
