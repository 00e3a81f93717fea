"""The protocol: CLAIM, RECOVER, PLAN, WRITE, VERIFY, PUBLISH, RECORD, in ports only."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from offload import windows
from offload.errors import OffloadError
from offload.inspection import batches, choose_window
from offload.model import ColdState, TableSpec, Token, Window, WrittenFile
from offload.parts import Parts
from offload.planning import plan_splits
from offload.ports import HotTable, Late, Lease, Listener, Outcome
from offload.recovery import catchup_of, check_not_lost, check_source, shown_watermark
from offload.reports import TableResult, error_document, exit_code_of
from offload.steps import Event, Moment, Step
from offload.verification import Verification

CLOCKS_APART = 30_000_000  # microseconds; more is a warning
SWEEP_MARGIN = 600_000_000  # microseconds: an insert's arrival time lies that much before it is visible, at most
LOOK_BACK = 2 * windows.HOUR
_log = logging.getLogger(__name__)


class TableRun:
    """
    One run of one table.

    Args:
        parts: The world.
        spec: The table.
        run_id: Of the whole run, tables together.
        until: ISO 8601; the window ends there at the latest.
        listeners: Told each moment.
    """

    def __init__(
        self,
        parts: Parts,
        spec: TableSpec,
        run_id: str,
        *,
        until: str | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._parts = parts
        self._spec = spec
        self._run_id = run_id
        self._until = until
        self._listeners = listeners
        self._seconds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._warnings: list[str] = []
        self._window: Window | None = None
        self._hot: HotTable | None = None
        self._state: ColdState | None = None

    def run(self) -> TableResult:
        """Carry out the protocol; what goes wrong stands in the result, and whole batches that were published stay."""
        began = time.monotonic()
        try:
            self._told(Moment("before", Step.CLAIM, self._spec.name))
            with self._parts.watermarks.claim(self._spec.source, self._run_id) as lease:
                self._seconds[Step.CLAIM] += time.monotonic() - began
                self._told(Moment("after", Step.CLAIM, self._spec.name))
                self._under(lease, began)
        except OffloadError as error:
            return self._failed(error, began)
        except Exception as error:  # noqa: BLE001  # a bug must not stop the other tables; it is told and exits 70
            _log.error("%s", "".join(traceback.format_exception(error)))
            return self._failed(error, began)
        return self._result("published" if self._counts["batches"] else "nothing_new", began)

    # -- the steps

    def _under(self, lease: Lease, began: float) -> None:
        try:
            with self._step(Step.RECOVER):
                hot, state = self._recover(lease)
            with self._step(Step.PLAN):
                now, own = self._clocks()
                self._window = choose_window(self._parts, hot, state, self._until, now, own)
                self._counts["late_rows"] = self._late(hot, state)
                cut = self._batches(hot, self._window)
            swept_at = now if not self._counts["late_rows"] else state.token and state.token.swept_at
            for batch in cut:
                state = self._batch(lease, hot, state, batch, swept_at)
            with self._step(Step.RECORD):
                lease.record(self._outcome("success", began))
        except BaseException as error:
            self._record_failure(lease, error, began)
            raise

    def _recover(self, lease: Lease) -> tuple[HotTable, ColdState]:
        state = self._parts.lake.load(self._spec)
        row = self._parts.watermarks.read(self._spec.source) or {}
        check_not_lost(self._spec, state, row)
        hot = self._hot = self._parts.source.describe(self._spec)
        state = self._state = state if state is not None else self._parts.lake.create(hot.shape)
        self._parts.lake.check_history(self._spec, state)
        self._parts.lake.check_columns(hot.shape, state)
        if state.token:
            check_source(self._spec, hot, state.token)
            lease.raise_epoch(state.token.epoch)
        catchup = catchup_of(state)
        if (row.get("watermark_ticks"), row.get("cold_table_uuid")) != (catchup.ticks, catchup.table_uuid):
            self._warn(
                f"the watermark store said {row.get('last_offload_timestamp')}; repaired from {self._spec.target}"
            )
            lease.repair(catchup)
        return hot, state

    def _clocks(self) -> tuple[int, int]:
        server, own = self._parts.source.now(), self._parts.clock.now()
        if abs(server - own) > CLOCKS_APART:
            self._warn(f"ClickHouse's clock and ours are {abs(server - own) / 1e6:.0f} s apart; the earlier one counts")
        return server, own

    def _late(self, hot: HotTable, state: ColdState) -> int:
        token = state.token
        if token is None or token.watermark_ticks is None:
            return 0
        back = LOOK_BACK * 10**hot.shape.precision
        start = (token.watermark_ticks if token.run_from is None else token.run_from) - back
        if hot.shape.spec.arrival and token.swept_at is not None:
            asked = Late(Window(None, token.watermark_ticks), token.swept_at - SWEEP_MARGIN)
        else:
            asked = Late(Window(start, token.watermark_ticks), None)
        late = self._parts.verifier.late(hot, asked, lambda low, high: self._cold_files(hot, state, low, high))
        if late:
            self._warn(f"{late} late rows at or below the watermark are not in {self._spec.target}")
        return late

    def _cold_files(self, hot: HotTable, state: ColdState, low: int, high: int) -> list[str]:
        precision = hot.shape.precision
        ends = (windows.moment(ticks, precision).isoformat() for ticks in (low, high))
        return self._parts.lake.files(state, [(self._spec.timestamp, *ends)])

    def _batches(self, hot: HotTable, window: Window) -> Sequence[Window]:
        if window.low is not None and window.high <= window.low:
            return []
        survey = hot.survey(window)
        self._counts["rows_without_timestamp"] = survey.without_timestamp
        self._counts["possibly_expired_rows"] = survey.possibly_expired
        if survey.without_timestamp:
            self._warn(f"{survey.without_timestamp} rows bear the timestamp 1970-01-01: they have none")
        if survey.possibly_expired:
            self._warn(
                f"{survey.possibly_expired} rows of the window have passed their TTL: others may be gone already"
            )
        return batches(self._parts, hot, window, survey.rows)

    def _batch(self, lease: Lease, hot: HotTable, state: ColdState, window: Window, swept_at: int | None) -> ColdState:
        with self._step(Step.PLAN, again=bool(self._counts["batches"])):
            raw = self._set_aside(hot, state, window)
            splits = plan_splits(hot, window, state.location, f"{self._run_id}-{lease.epoch}")
        if not splits:
            return state
        with self._step(Step.WRITE, raw):
            files = self._parts.engine.write(hot, splits, state.schema, self._tell)
        with self._step(Step.VERIFY, sum(file.rows for file in files)):
            files = self._verification(hot, state).verified(files)
        if not files:
            return state
        token = self._token(lease, hot, state, window, files, swept_at)
        lease.check()
        with self._step(Step.PUBLISH, token.rows):
            told = Moment("at", Event.METADATA_WRITTEN, self._spec.name, token.rows)
            state = self._parts.lake.publish(self._spec, state, files, token, lambda: self._told(told))
        self._state = state
        self._counts.update(batches=1, rows=token.rows, files=len(files), bytes=sum(file.bytes for file in files))
        self._counts["duplicates_dropped"] += max(0, raw - token.rows)
        return state

    def _verification(self, hot: HotTable, state: ColdState) -> Verification:
        parts = self._parts
        return Verification(
            verifier=parts.verifier, lake=parts.lake, engine=parts.engine, hot=hot, state=state, tell=self._tell
        )

    def _set_aside(self, hot: HotTable, state: ColdState, window: Window) -> int:
        """Raw rows of the batch; keys that may stand in cold under another timestamp are left out from now on."""
        hot.one_batch(window)
        raw = hot.survey(window).rows
        if raw and hot.shape.spec.key and not hot.shape.spec.timestamp_follows_key and state.records:
            self._parts.verifier.leave_out_cold(hot, window, self._parts.lake.files(state, hot.key_bounds(window)))
        return raw

    def _token(
        self,
        lease: Lease,
        hot: HotTable,
        state: ColdState,
        window: Window,
        files: Sequence[WrittenFile],
        swept_at: int | None,
    ) -> Token:
        whole = files[0].seen
        for file in files[1:]:
            whole += file.seen
        before = state.token.watermark_ticks if state.token else None
        last = max(tick for tick in (whole.last, before) if tick is not None)
        return Token(
            run_id=self._run_id,
            epoch=lease.epoch,
            batch=self._counts["batches"],
            run_from=self._window.low if self._window else None,
            window_from=window.low,
            window_to=window.high,
            rows=whole.fingerprint.rows,
            digest=whole.fingerprint.digest,
            watermark_ticks=last,
            watermark_sequence=hot.sequence_at(last),
            precision=hot.shape.precision,
            source_uuid=hot.identity.uuid,
            source_cluster=hot.identity.cluster,
            table_uuid=state.uuid,
            swept_at=swept_at,
        )

    # -- telling

    @contextmanager
    def _step(self, step: Step, rows: int = 0, *, again: bool = True) -> Iterator[None]:
        began = time.monotonic()
        if again:
            self._told(Moment("before", step, self._spec.name, rows))
        yield
        self._seconds[step] += time.monotonic() - began
        if again:
            self._told(Moment("after", step, self._spec.name, rows))

    def _tell(self, event: Event, rows: int) -> None:
        self._told(Moment("at", event, self._spec.name, rows))

    def _told(self, moment: Moment) -> None:
        for listener in self._listeners:
            listener(moment)

    def _warn(self, message: str) -> None:
        self._warnings.append(message)
        _log.warning("%s: %s", self._spec.name, message)

    # -- results

    def _outcome(self, status: str, began: float, error: str | None = None) -> Outcome:
        catchup = catchup_of(self._state) if self._state else None
        counts = ("late_rows", "duplicates_dropped", "rows_without_timestamp", "possibly_expired_rows")
        snapshot = self._state.snapshot_id if self._state else None
        return Outcome(
            status,
            catchup,
            rows=self._counts["rows"],
            seconds=time.monotonic() - began,
            error=error,
            counts=(*((name, self._counts[name]) for name in counts), ("snapshot_id", snapshot)),
        )

    def _record_failure(self, lease: Lease, error: BaseException, began: float) -> None:
        try:
            lease.record(self._outcome("failed", began, str(error)[:2000]))
        except OffloadError as second:
            self._warn(f"the failure could not be recorded: {second}")

    def _failed(self, error: Exception, began: float) -> TableResult:
        return replace(self._result("failed", began), error=error_document(error), exit_code=exit_code_of(error))

    def _result(self, status: str, began: float) -> TableResult:
        counted = {name: self._counts[name] for name in _COUNTED}
        shown = self._shown(self._hot) if self._hot else {}
        return TableResult(
            table=self._spec.name,
            status=status,
            **counted,
            **shown,
            snapshot_id=self._state.snapshot_id if self._state else None,
            seconds=round(time.monotonic() - began, 3),
            steps={step: round(seconds, 3) for step, seconds in self._seconds.items()},
            warnings=tuple(self._warnings),
        )

    def _shown(self, hot: HotTable) -> dict[str, Any]:
        precision = hot.shape.precision
        mark = self._state.token.watermark if self._state and self._state.token else None
        window = self._window
        return {
            "window": window
            and {"from": windows.iso(window.low, precision), "to": windows.iso(window.high, precision)},
            "watermark": mark and shown_watermark(mark, precision),
        }


_COUNTED = (
    "rows",
    "duplicates_dropped",
    "late_rows",
    "rows_without_timestamp",
    "possibly_expired_rows",
    "files",
    "bytes",
    "batches",
)
