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

    def told(self, moment: StepEvent) -> None:
        if moment.table not in self._tasks:
            self._tasks[moment.table] = self._progress.add_task(moment.table, total=None)
        task = self._tasks[moment.table]
        self._progress.update(task, description=f"{moment.table} {moment.what}")
        if moment.what is Step.WRITE and moment.when == "before":
            self._progress.update(task, total=(self._progress.tasks[task].total or 0) + moment.rows)
        elif moment.what is Event.FILE_WRITTEN:
            self._progress.advance(task, moment.rows)


def _quiet(moment: StepEvent) -> None:
    """Listen and say nothing."""
