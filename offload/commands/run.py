"""The protocol: CLAIM, RECOVER, PLAN, WRITE, VERIFY, PUBLISH, RECORD, in ports only."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial, reduce
from operator import add

from offload.errors import OffloadError
from offload.model import windows
from offload.model.cold_table import TableState, WrittenFile
from offload.model.steps import Event, Step
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.source import HotTable
from offload.ports.verifier import LateRowsQuery
from offload.ports.watermarks import Lease
from offload.protocol.adapters import Adapters
from offload.protocol.late_rows import CLOCKS_APART, LOOK_BACK, SWEEP_MARGIN
from offload.protocol.planning import Batch, batches, choose_window, plan_splits
from offload.protocol.recover import check_not_lost, check_source, disagreement, table_watermark
from offload.protocol.trace import RunTrace
from offload.protocol.verify import Verification
from offload.results import TableResult, error_document, exit_code_of

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
        adapters: Adapters,
        spec: TableSpec,
        run_id: str,
        *,
        until: str | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._adapters = adapters
        self._spec = spec
        self._run_id = run_id
        self._until = until
        self._trace = RunTrace(spec, listeners)

    def run(self) -> TableResult:
        """Carry out the protocol; what goes wrong stands in the result, and whole batches that were published stay."""
        trace = self._trace
        try:
            with ExitStack() as claimed:
                with trace.step(Step.CLAIM):
                    lease = claimed.enter_context(self._adapters.watermarks.claim(self._spec.source, self._run_id))
                self._recorded(lease)
        except Exception as error:  # noqa: BLE001  # a bug in one table must not stop the others: it is told, exit 70
            if not isinstance(error, OffloadError):
                _log.error("%s", "".join(traceback.format_exception(error)))  # with the right error
            result = trace.result("failed")
            document = error_document(error)
            if trace.rows:
                document["found"] += f"; {trace.rows} rows were published before, whole and with their watermark"
            return replace(result, error=document, exit_code=exit_code_of(error))
        return trace.result("published" if trace.batches else "nothing_new")

    def _recorded(self, lease: Lease) -> None:
        try:
            self._move(lease)
        except BaseException as error:
            try:
                lease.record(self._trace.outcome("failed", str(error)[:2000]))
            except OffloadError as second:
                self._trace.warn(f"the failure could not be recorded: {second}")
            raise

    def _move(self, lease: Lease) -> None:
        step = self._trace.step
        with step(Step.RECOVER):
            hot, state = self._recover(lease)
        with step(Step.PLAN):
            swept_at = self._look_around(hot, state)
            ahead, rows = self._batches(hot)
            batch = self._plan(lease, hot, state, ahead, rows)
        while batch:
            with step(Step.WRITE, batch.raw_rows):
                files = self._adapters.engine.write(hot, batch.splits, state.schema, self._trace.emit)
            with step(Step.VERIFY, sum(file.rows for file in files)):
                check = self._verification(hot, state)
                files = check.verified(files)
                planned = [chunk for split in batch.splits for chunk in split.chunks]
                check.check_cover(batch.window, planned, files, batch.raw_rows)
            if files:
                state = self._publish(lease, hot, state, batch, files, swept_at)
            else:  # nothing but deliveries of rows that are in cold already
                self._trace.duplicates_dropped += batch.raw_rows
            if not ahead:
                break
            with step(Step.PLAN):
                batch = self._plan(lease, hot, state, ahead, None)
        with step(Step.RECORD):
            lease.record(self._trace.outcome("success"))

    def _recover(self, lease: Lease) -> tuple[HotTable, TableState]:
        spec, lake = self._spec, self._adapters.lake
        state = lake.load(spec)
        row = self._adapters.watermarks.read(spec.source) or {}
        check_not_lost(spec, state, row)
        hot = self._adapters.source.describe(spec)
        self._trace.precision = hot.schema.precision
        state = self._trace.state = state if state is not None else lake.create(hot.schema)
        lake.check_history(spec, state)
        lake.check_columns(hot.schema, state)
        if state.token:
            check_source(spec, hot, state.token)
            lease.raise_epoch(state.token.epoch)
        catchup = table_watermark(state)
        if said := disagreement(row, catchup):
            self._trace.warn(f"the watermark store said {said}; repaired from {spec.target}")
            lease.repair(catchup)
        return hot, state

    def _look_around(self, hot: HotTable, state: TableState) -> int | None:
        """Choose the window and count late rows; returns when late rows were last looked for with none left behind."""
        server, own = self._adapters.source.now(), self._adapters.clock.now()
        if abs(server - own) > CLOCKS_APART:
            apart = f"{abs(server - own) / 1e6:.0f} s apart"
            self._trace.warn(f"ClickHouse's clock and ours are {apart}; the earlier one counts")
        self._trace.window = choose_window(self._adapters, hot, state, self._until, server, own)
        late = self._trace.late_rows = self._late(hot, state)
        if not late:
            return server
        self._trace.warn(f"{late} late rows at or below the watermark are not in {self._spec.target}")
        return state.token.swept_at if state.token else None

    def _late(self, hot: HotTable, state: TableState) -> int:
        token = state.token
        if token is None or token.watermark_ticks is None:
            return 0
        if hot.schema.spec.arrival and token.swept_at is not None:
            asked = LateRowsQuery(Window(None, token.watermark_ticks), token.swept_at - SWEEP_MARGIN)
        else:
            before = token.watermark_ticks if token.run_from is None else token.run_from
            asked = LateRowsQuery(Window(before - LOOK_BACK * 10**token.precision, token.watermark_ticks), None)
        return self._adapters.verifier.late(hot, asked, partial(self._cold_files, hot, state))

    def _cold_files(self, hot: HotTable, state: TableState, low: int, high: int) -> list[str]:
        low_end, high_end = (windows.to_datetime(ticks, hot.schema.precision).isoformat() for ticks in (low, high))
        return self._adapters.lake.files(state, [(self._spec.timestamp, low_end, high_end)])

    def _batches(self, hot: HotTable) -> tuple[deque[Window], int | None]:
        """The batches ahead, and the raw rows of the first where it is the only one."""
        trace, window = self._trace, self._trace.window
        if window is None or (window.low is not None and window.high <= window.low):
            return deque(), None
        window_stats = hot.window_stats(window)
        trace.rows_without_timestamp = window_stats.without_timestamp
        trace.possibly_expired_rows = window_stats.possibly_expired
        if window_stats.without_timestamp:
            trace.warn(f"{window_stats.without_timestamp} rows bear the timestamp 1970-01-01: they have none")
        if window_stats.possibly_expired:
            trace.warn(f"{window_stats.possibly_expired} rows have passed their TTL: others may have gone before")
        ahead = deque(batches(self._adapters, hot, window, window_stats.rows))
        return ahead, window_stats.rows if len(ahead) == 1 else None

    def _plan(
        self, lease: Lease, hot: HotTable, state: TableState, ahead: deque[Window], rows: int | None
    ) -> Batch | None:
        """Cut the next batch; keys that may stand in cold under another timestamp are left out of it."""
        while ahead:
            window = ahead.popleft()
            hot.one_batch(window)
            raw = hot.window_stats(window).rows if rows is None else rows
            if raw and hot.schema.spec.key and not hot.schema.spec.timestamp_follows_key and state.records:
                self._adapters.verifier.exclude_existing(
                    hot, window, self._adapters.lake.files(state, hot.key_bounds(window))
                )
            splits = plan_splits(hot, window, state.location, f"{self._run_id}-{lease.epoch}")
            if splits:
                return Batch(window, raw, tuple(splits))
        return None

    def _verification(self, hot: HotTable, state: TableState) -> Verification:
        adapters, emit = self._adapters, self._trace.emit
        return Verification(
            verifier=adapters.verifier, lake=adapters.lake, engine=adapters.engine, hot=hot, state=state, emit=emit
        )

    def _publish(
        self,
        lease: Lease,
        hot: HotTable,
        state: TableState,
        batch: Batch,
        files: Sequence[WrittenFile],
        swept_at: int | None,
    ) -> TableState:
        trace = self._trace
        token = self._token(lease, hot, state, batch.window, files, swept_at)
        lease.check()
        with trace.step(Step.PUBLISH, token.rows):
            told = partial(trace.emit, Event.METADATA_WRITTEN, token.rows)
            trace.state = self._adapters.lake.publish(self._spec, state, files, token, told)
            trace.batches += 1
            trace.rows += token.rows
            trace.files += len(files)
            trace.bytes += sum(file.bytes for file in files)
            trace.duplicates_dropped += max(0, batch.raw_rows - token.rows)
        return trace.state

    def _run_from(self, state: TableState) -> int | None:
        """Where late rows are looked for from: it stays while any are left behind, and else moves on with each run."""
        if self._trace.late_rows and state.token:
            token = state.token
            return token.watermark_ticks if token.run_from is None else token.run_from
        return self._trace.window.low if self._trace.window else None

    def _token(
        self,
        lease: Lease,
        hot: HotTable,
        state: TableState,
        window: Window,
        files: Sequence[WrittenFile],
        swept_at: int | None,
    ) -> CommitToken:
        seen = reduce(add, (file.source for file in files))
        before = state.token.watermark_ticks if state.token else None
        last = max(ticks for ticks in (seen.last, before) if ticks is not None)
        return CommitToken(
            run_id=self._run_id,
            epoch=lease.epoch,
            batch=self._trace.batches,
            run_from=self._run_from(state),
            window_from=window.low,
            window_to=window.high,
            rows=seen.fingerprint.rows,
            digest=seen.fingerprint.digest,
            watermark_ticks=last,
            watermark_sequence=hot.sequence_at(last),
            precision=hot.schema.precision,
            source_uuid=hot.identity.uuid,
            source_cluster=hot.identity.cluster,
            table_uuid=state.uuid,
            swept_at=swept_at,
        )
