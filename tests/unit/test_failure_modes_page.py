from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.timeline import Milestone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "failure-modes.md").read_text("utf-8")
SCENARIOS = sorted((ROOT / "tests" / "failure_modes").glob("test_*.py"))
FAULTS = sorted((ROOT / "harness" / "faults").glob("[a-z]*.py"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_is_on_the_page_with_its_failure_modes(path: Path) -> None:
    """A scenario that the page does not name is not finished."""
    rows = [line for line in PAGE.splitlines() if f"`{path.name}`" in line]
    listed = set(re.findall(r'failure_modes\("(FM-\d+)"\)', path.read_text("utf-8")))

    assert listed
    assert listed <= {mode for row in rows for mode in re.findall(r"FM-\d+", row)}


def test_every_scenario_of_the_page_exists() -> None:
    """Each file that the page names exists."""
    assert set(re.findall(r"`(test_\w+\.py)`", PAGE)) == {path.name for path in SCENARIOS}


@pytest.mark.parametrize("name", [*(milestone.value for milestone in Milestone), *(path.stem for path in FAULTS)])
def test_every_milestone_and_every_fault_is_explained(name: str) -> None:
    """In code style, in a table."""
    assert re.search(rf"^\| `{name}`", PAGE, re.MULTILINE)
