"""The summary of all failure modes that ran: a table on the terminal, and a JSON page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.timeline import Milestone

if TYPE_CHECKING:
    import pytest


PROPERTY = "tidemark.failure_mode"


PAGE = Path("reports") / "failure-modes.json"


HEADS = (*(milestone.value for milestone in Milestone), "detection", "outage", "mttr", "catch_up")


def summarise(reports: Sequence[pytest.TestReport], root: Path) -> list[str]:
    """
    Write the page of all failure modes that ran, and return its table as lines; no page where none ran.

    Args:
        reports: Of all tests, of all their phases.
        root: The project's folder.
    """
    failed = {report.nodeid for report in reports if report.failed}
    sent: list[Any] = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    rows = {row["test"]: {**row, "outcome": "failed" if row["test"] in failed else "passed"} for row in sent}
    if not rows:
        return []
    page = root / PAGE
    page.parent.mkdir(exist_ok=True)
    ordered = sorted(rows.values(), key=lambda row: (row["id"], row["test"]))
    page.write_text(json.dumps(ordered, indent=1))
    return [_line("", HEADS, "scenario"), *map(_told, ordered), f"written to {PAGE}"]


def _told(row: Mapping[str, Any]) -> str:
    shown = ["-" if row[name] is None else f"{row[name]:.2f}" for name in HEADS]
    return _line(row["id"], shown, row["test"].rpartition("::")[2]) + ("" if row["outcome"] == "passed" else " FAILED")


def _line(mode: str, columns: Sequence[str], name: str) -> str:
    return " ".join([f"{mode:5}", *(f"{text:>{len(head)}}" for text, head in zip(columns, HEADS, strict=True)), name])
