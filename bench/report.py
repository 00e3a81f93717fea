"""reports/bench.json: one part per profile, each with the machine and the commit that it was measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).parents[1] / "reports"


def merged(profile: str, part: dict[str, Any], folder: Path = REPORTS) -> Path:
    """Replace the part of one profile, keep the other parts, and return the file."""
    path = folder / "bench.json"
    folder.mkdir(exist_ok=True)
    whole = json.loads(path.read_text()) if path.exists() else {}
    whole[profile] = _where() | part
    path.write_text(json.dumps(whole, indent=2) + "\n")
    return path


def _where() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    return {"commit": commit.stdout.strip(), "machine": machine}
