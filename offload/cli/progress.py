"""Progress bars: one per table."""

from __future__ import annotations

import time
from typing import Any

from offload.model.steps import Event, Step, StepEvent


class _Bars:
    """One bar per table: rows written of rows planned."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}
        self._began = time.monotonic()

    def update(self, event: StepEvent) -> None:
        if event.table not in self._tasks:
            self._tasks[event.table] = self._progress.add_task(event.table, total=None)
        task = self._tasks[event.table]
        self._progress.update(task, description=f"{event.table} {event.what}")
        if event.what is Step.WRITE and event.when == "before":
            self._progress.update(task, total=(self._progress.tasks[task].total or 0) + event.rows)
        elif event.what is Event.FILE_WRITTEN:
            self._progress.advance(task, event.rows)


def _quiet(event: StepEvent) -> None:
    """Ignore the event."""
