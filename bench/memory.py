"""Peak memory of a process and of its descendants, read from /proc while they run."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
EVERY = 0.05  # seconds; VmHWM only grows, so that all a look misses is what was taken after the last one
KIB = 1024


class Peak:
    """The most that a tree's living processes have had: a JVM counts beside the Python that started it."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._kib = 0

    def look(self) -> None:
        """Add up the VmHWM of every process that lives now."""
        self._kib = max(self._kib, sum(map(high_water, tree(self._root))))

    @property
    def mb(self) -> float:
        """In MB (10^6 bytes)."""
        return self._kib * KIB / 1e6


@contextmanager
def watched(root: int) -> Iterator[Peak]:
    """Look at the process and its descendants again and again inside the block."""
    peak, over = Peak(root), threading.Event()

    def look() -> None:
        peak.look()
        while not over.wait(EVERY):
            peak.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def tree(root: int) -> list[int]:
    """The process and its descendants that live now; `children` is described in proc(5)."""
    found = [root]
    for process in found:
        for task in (PROC / str(process) / "task").glob("*/children"):
            found += map(int, _read(task).split())
    return found


def high_water(process: int) -> int:
    """VmHWM in KiB; 0 where the process has ended."""
    lines = _read(PROC / str(process) / "status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended between the look and the reading
        return ""
