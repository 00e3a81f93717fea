"""A case of the benchmark that is a process of its own, on few runs."""

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
