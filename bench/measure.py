"""Run one command as a whole process and measure it: wall time, peak memory, what it said of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KIB = 1024


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds and peak resident memory (VmHWM) in MB of one process, and its JSON answer."""

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
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    if child.returncode != 0:
        raise RuntimeError(f"{words} exited {child.returncode}: {said[-2000:]} {log.read_text()[-2000:]}")
    return Measured(seconds, usage.ru_maxrss * KIB / 1e6, json.loads(said) if said.startswith("{") else {"said": said})


def offload(words: tuple[str, ...], environment: dict[str, str], log: Path) -> Measured:
    """Run one `offload` command as users start it."""
    return measure([sys.executable, "-m", "offload", *words], environment, log)
