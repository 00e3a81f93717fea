"""The cases of the benchmark that are processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_the_case_of_many_runs_answers_with_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `bench/run.py` prints and merges it."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "bench")
    from run import quarter_hours

    found = quarter_hours(tmp_path, runs=3)

    assert found["runs"] == 3
    assert found["ratio"] == pytest.approx(found["last_seconds"] / found["first_seconds"], rel=0.05)


def test_the_case_of_corrections_answers_with_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `bench/run.py` prints and merges it."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "bench")
    from run import corrections

    found = corrections(tmp_path)

    assert (found["rows"], found["of"]) == (1_000, 100_000)
    assert found["seconds"] > 0
