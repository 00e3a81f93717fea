"""What a run of one table has done so far: counts, seconds per step, warnings; and who is told of each moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from offload.errors import OffloadError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.steps import Event, Step, StepEvent
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.watermarks import RunOutcome
from offload.protocol.recover import table_watermark, watermark_document
from offload.results import TableAudit, TablePlan, TableResult, error_document, exit_code_of

_log = logging.getLogger(__name__)


class RunTrace:
    """
    The run's own record, from which the report, the store and the log are told.

    `state` is the cold table as last seen, `window` what the run set out to move; both None until known.
    """

    def __init__(self, spec: TableSpec, listeners: Sequence[Listener]) -> None:
        self._spec = spec
        self._listeners = listeners
        self._began = time.monotonic()
        self._seconds: dict[str, float] = dict.fromkeys(Step, 0.0)
        self._warnings: list[str] = []
        self.state: TableState | None = None
        self.window: Window | None = None
        self.precision = windows.MICROSECOND_DIGITS
        self.rows = 0
        self.duplicates_dropped = 0
        self.late_rows = 0
        self.rows_without_timestamp = 0
        self.possibly_expired_rows = 0
        self.files = 0
        self.bytes = 0
        self.batches = 0

    @contextmanager
    def step(self, step: Step, rows: int = 0) -> Iterator[None]:
        """Time a step and tell its moments; `after` is told only when it went well."""
        self._told(StepEvent("before", step, self._spec.name, rows))
        began = time.monotonic()
        yield
        self._seconds[step] += time.monotonic() - began
        self._told(StepEvent("after", step, self._spec.name, rows))

    def emit(self, event: Event, rows: int) -> None:
        """Tell an event."""
        self._told(StepEvent("at", event, self._spec.name, rows))

    def _told(self, moment: StepEvent) -> None:
        for listener in self._listeners:
            listener(moment)

    def warn(self, message: str) -> None:
        """Nothing is silent: into the report and the log."""
        self._warnings.append(message)
        _log.warning("%s: %s", self._spec.name, message)

    def outcome(self, status: str, error: str | None = None) -> RunOutcome:
        """What the watermark store is told at the end."""
        counts = ("late_rows", "duplicates_dropped", "rows_without_timestamp", "possibly_expired_rows")
        return RunOutcome(
            status,
            table_watermark(self.state) if self.state else None,
            rows=self.rows,
            seconds=time.monotonic() - self._began,
            error=error,
            counts=(
                *((name, getattr(self, name)) for name in counts),
                ("snapshot_id", self.state.snapshot_id if self.state else None),
            ),
        )

    def result(self, status: str) -> TableResult:
        """The report as it stands now."""
        mark = self.state.token.watermark if self.state and self.state.token else None
        return TableResult(
            table=self._spec.name,
            status=status,
            window=windows.to_document(self.window, self.precision) if self.window else None,
            rows=self.rows,
            duplicates_dropped=self.duplicates_dropped,
            late_rows=self.late_rows,
            rows_without_timestamp=self.rows_without_timestamp,
            possibly_expired_rows=self.possibly_expired_rows,
            files=self.files,
            bytes=self.bytes,
            batches=self.batches,
            watermark=watermark_document(mark, self.precision) if mark else None,
            snapshot_id=self.state.snapshot_id if self.state else None,
            seconds=round(time.monotonic() - self._began, 3),
            steps={step: round(seconds, 3) for step, seconds in self._seconds.items()},
            warnings=tuple(self._warnings),
        )


Report = TypeVar("Report", TablePlan, TableAudit)


def _caught(report: type[Report], spec: TableSpec, call: Callable[[], Report]) -> Report:
    try:
        return call()
    except OffloadError as error:
        return report(spec.name, error=error_document(error), exit_code=exit_code_of(error))
