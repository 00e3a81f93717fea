"""`offload demo`, as a new user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_demo_moves_its_trades_exactly_once_across_a_kill_and_draws_its_chart(tmp_path: Path) -> None:
    """It exits 0 only if every count is the expected one; the chart is a PNG of more than 10 kB."""
    words = [sys.executable, "-m", "offload", "demo", "--rows", "20000", "--folder", str(tmp_path / "lake house")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    chart = (tmp_path / "reports" / "demo.png").read_bytes()

    assert done.returncode == 0, done.stdout + done.stderr
    assert chart.startswith(PNG)
    assert len(chart) > 10_000
    assert "kill" in done.stdout


def test_the_demo_changes_no_folder_that_is_not_empty(tmp_path: Path) -> None:
    """A folder with files: exit 78, and the files are still there."""
    (tmp_path / "mine.txt").write_text("mine")
    words = [sys.executable, "-m", "offload", "demo", "--folder", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 78, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert os.environ.get("HOME", "/nowhere") not in done.stdout
