"""Run one command as a whole process and measure it: wall time, peak memory and its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory import watched


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds, peak resident memory (VmHWM, of all its processes) in MB, and its JSON answer."""

    seconds: float
    peak_mb: float
    answer: dict[str, Any]


def measure(words: list[str], environment: dict[str, str], log: Path) -> Measured:
    """
    Run a command to its end.

    Raises:
        RuntimeError: It failed; the message holds its last lines.
    """
    with log.open("wb") as errors, (log.with_suffix(".out")).open("w+b") as output:
        began = time.monotonic()
        child = subprocess.Popen(words, env=os.environ | environment, stdout=output, stderr=errors)
        with watched(child.pid) as peak:
            child.wait()
            seconds = time.monotonic() - began
        output.seek(0)
        text = output.read().decode()
    if child.returncode != 0:
        raise RuntimeError(f"{words} exited {child.returncode}: {text[-2000:]} {log.read_text()[-2000:]}")
    return Measured(seconds, peak.mb, json.loads(text) if text.startswith("{") else {"output": text})


def offload(words: tuple[str, ...], environment: dict[str, str], log: Path) -> Measured:
    """Run one `offload` command as users start it."""
    return measure([sys.executable, "-m", "offload", *words], environment, log)
