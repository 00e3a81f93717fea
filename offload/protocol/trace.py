"""The trace of one command on one table: counters, seconds per step, warnings, and the listeners of its events."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TypeVar

from offload.errors import OffloadError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.counters import Counters
from offload.model.steps import Event, ExpiryStep, Step, StepEvent
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.view import RecordedView
from offload.ports.watermarks import RunOutcome, TableWatermark
from offload.results import TableAudit, TablePlan, TableResult, error_document, exit_code_of, watermark_document

Report = TypeVar("Report", TablePlan, TableAudit)

_log = logging.getLogger(__name__)


class RunTrace:
    """
    What one command did to one table so far; the result, the watermark store and the log are written from it.

    Attributes:
        spec: The table.
        counters: Its counts so far.
        state: The cold table as last loaded; None: not loaded yet.
        window: The window that the run moves; None: not chosen yet.
        schema_changes: What the run has changed in the cold table's columns.
        precision: Digits after the second of the source column's timestamps.
        view: The view that runs keep up to date; None: there is none.
    """

    def __init__(self, spec: TableSpec, listeners: Sequence[Listener] = ()) -> None:
        self.spec = spec
        self.counters = Counters()
        self.state: TableState | None = None
        self.window: Window | None = None
        self.schema_changes: tuple[str, ...] = ()
        self.precision = windows.MICROSECOND_DIGITS
        self.view: RecordedView | None = None
        self._listeners = listeners
        self._began = time.monotonic()
        self._seconds: dict[str, float] = dict.fromkeys(Step, 0.0)
        self._warnings: list[str] = []

    @contextmanager
    def step(self, step: Step | ExpiryStep, rows: int = 0) -> Iterator[None]:
        """Time a step, also when it fails, and emit its events; `after` only when it succeeds."""
        self._notify(StepEvent("before", step, self.spec.name, rows))
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[step] = self._seconds.get(step, 0.0) + time.monotonic() - began
        self._notify(StepEvent("after", step, self.spec.name, rows))

    def emit(self, event: Event, rows: int) -> None:
        """Emit an event inside a step."""
        self._notify(StepEvent("at", event, self.spec.name, rows))

    def _notify(self, event: StepEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def count(self, **increments: int) -> None:
        """Increase counters, by name."""
        self.counters = self.counters.plus(**increments)

    def warn(self, message: str) -> None:
        """Add a warning to the result and the log."""
        self._warnings.append(message)
        _log.warning("%s: %s", self.spec.name, message)

    def outcome(self, status: str, error: str | None = None) -> RunOutcome:
        """What the watermark store and the history record at the end."""
        return RunOutcome(
            status,
            TableWatermark.of(self.state) if self.state else None,
            counters=self.counters,
            seconds=time.monotonic() - self._began,
            error=error,
            snapshot_id=self.state.snapshot_id if self.state else None,
        )

    @property
    def moved(self) -> str:
        """The status of a command that moves rows and succeeds."""
        return "published" if self.counters.batches else "nothing_new"

    def result(self, status: str) -> TableResult:
        """The result as of now."""
        token = self.state.token if self.state else None
        mark = token.watermark if token else None
        return TableResult(
            table=self.spec.name,
            status=status,
            window=windows.to_document(self.window, self.precision) if self.window else None,
            watermark=watermark_document(mark, token.precision) if token and mark else None,
            snapshot_id=self.state.snapshot_id if self.state else None,
            seconds=round(time.monotonic() - self._began, 3),
            steps={step: round(seconds, 3) for step, seconds in self._seconds.items()},
            schema_changes=self.schema_changes,
            warnings=tuple(self._warnings),
            **asdict(self.counters),
        )


def result_of(trace: RunTrace, steps: Callable[[], str]) -> TableResult:
    """The result after `steps`, which return its status. An error is part of it; published batches stay published."""
    try:
        status = steps()
    except Exception as error:  # noqa: BLE001  # a bug in one table must not stop the others: exit 70, with a traceback
        return _failed(trace, error)
    return trace.result(status)


def _failed(trace: RunTrace, error: Exception) -> TableResult:
    if not isinstance(error, OffloadError):
        _log.error("%s", "".join(traceback.format_exception(error)))
    document = error_document(error)
    if trace.counters.rows:
        published = f"{trace.counters.rows} rows were published before, in whole batches with their watermark"
        document["found"] += f"; {published}"
    return replace(trace.result("failed"), error=document, exit_code=exit_code_of(error))


def reported(report: type[Report], spec: TableSpec, call: Callable[[], Report]) -> Report:
    """The report that `call` returns; an error of this table is a report too, so that other tables go on."""
    try:
        return call()
    except OffloadError as error:
        return report(spec.name, error=error_document(error), exit_code=exit_code_of(error))
