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
from offload.model.cold_table import ColdState, WrittenFile
from offload.model.steps import Event, Step
from offload.model.table import TableSpec
from offload.model.token import Token
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.source import HotTable
from offload.ports.verifier import Late
from offload.ports.watermarks import Lease
from offload.protocol.adapters import Parts
from offload.protocol.late_rows import CLOCKS_APART, LOOK_BACK, SWEEP_MARGIN
from offload.protocol.planning import Batch, batches, choose_window, plan_splits
from offload.protocol.recover import catchup_of, check_not_lost, check_source, disagreement
from offload.protocol.trace import Account
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
        self._account = Account(spec, listeners)

    def run(self) -> TableResult:
        """Carry out the protocol; what goes wrong stands in the result, and whole batches that were published stay."""
        account = self._account
        try:
            with ExitStack() as claimed:
                with account.step(Step.CLAIM):
                    lease = claimed.enter_context(self._parts.watermarks.claim(self._spec.source, self._run_id))
                self._recorded(lease)
        except Exception as error:  # noqa: BLE001  # a bug in one table must not stop the others: it is told, exit 70
            if not isinstance(error, OffloadError):
                _log.error("%s", "".join(traceback.format_exception(error)))  # with the right error
            result = account.result("failed")
            document = error_document(error)
            if account.rows:
                document["found"] += f"; {account.rows} rows were published before, whole and with their watermark"
            return replace(result, error=document, exit_code=exit_code_of(error))
        return account.result("published" if account.batches else "nothing_new")

    def _recorded(self, lease: Lease) -> None:
        try:
            self._move(lease)
        except BaseException as error:
            try:
                lease.record(self._account.outcome("failed", str(error)[:2000]))
            except OffloadError as second:
                self._account.warn(f"the failure could not be recorded: {second}")
            raise

    def _move(self, lease: Lease) -> None:
        step = self._account.step
        with step(Step.RECOVER):
            hot, state = self._recover(lease)
        with step(Step.PLAN):
            swept_at = self._look_around(hot, state)
            ahead, rows = self._batches(hot)
            batch = self._plan(lease, hot, state, ahead, rows)
        while batch:
            with step(Step.WRITE, batch.raw_rows):
                files = self._parts.engine.write(hot, batch.splits, state.schema, self._account.tell)
            with step(Step.VERIFY, sum(file.rows for file in files)):
                check = self._verification(hot, state)
                files = check.verified(files)
                planned = [piece for split in batch.splits for piece in split.pieces]
                check.check_cover(batch.window, planned, files, batch.raw_rows)
            if files:
                state = self._publish(lease, hot, state, batch, files, swept_at)
            else:  # nothing but deliveries of rows that are in cold already
                self._account.duplicates_dropped += batch.raw_rows
            if not ahead:
                break
            with step(Step.PLAN):
                batch = self._plan(lease, hot, state, ahead, None)
        with step(Step.RECORD):
            lease.record(self._account.outcome("success"))

    def _recover(self, lease: Lease) -> tuple[HotTable, ColdState]:
        spec, lake = self._spec, self._parts.lake
        state = lake.load(spec)
        row = self._parts.watermarks.read(spec.source) or {}
        check_not_lost(spec, state, row)
        hot = self._parts.source.describe(spec)
        self._account.precision = hot.shape.precision
        state = self._account.state = state if state is not None else lake.create(hot.shape)
        lake.check_history(spec, state)
        lake.check_columns(hot.shape, state)
        if state.token:
            check_source(spec, hot, state.token)
            lease.raise_epoch(state.token.epoch)
        catchup = catchup_of(state)
        if said := disagreement(row, catchup):
            self._account.warn(f"the watermark store said {said}; repaired from {spec.target}")
            lease.repair(catchup)
        return hot, state

    def _look_around(self, hot: HotTable, state: ColdState) -> int | None:
        """Choose the window and count late rows; returns when late rows were last looked for with none left behind."""
        server, own = self._parts.source.now(), self._parts.clock.now()
        if abs(server - own) > CLOCKS_APART:
            apart = f"{abs(server - own) / 1e6:.0f} s apart"
            self._account.warn(f"ClickHouse's clock and ours are {apart}; the earlier one counts")
        self._account.window = choose_window(self._parts, hot, state, self._until, server, own)
        late = self._account.late_rows = self._late(hot, state)
        if not late:
            return server
        self._account.warn(f"{late} late rows at or below the watermark are not in {self._spec.target}")
        return state.token.swept_at if state.token else None

    def _late(self, hot: HotTable, state: ColdState) -> int:
        token = state.token
        if token is None or token.watermark_ticks is None:
            return 0
        if hot.shape.spec.arrival and token.swept_at is not None:
            asked = Late(Window(None, token.watermark_ticks), token.swept_at - SWEEP_MARGIN)
        else:
            before = token.watermark_ticks if token.run_from is None else token.run_from
            asked = Late(Window(before - LOOK_BACK * 10**token.precision, token.watermark_ticks), None)
        return self._parts.verifier.late(hot, asked, partial(self._cold_files, hot, state))

    def _cold_files(self, hot: HotTable, state: ColdState, low: int, high: int) -> list[str]:
        low_end, high_end = (windows.moment(ticks, hot.shape.precision).isoformat() for ticks in (low, high))
        return self._parts.lake.files(state, [(self._spec.timestamp, low_end, high_end)])

    def _batches(self, hot: HotTable) -> tuple[deque[Window], int | None]:
        """The batches ahead, and the raw rows of the first where it is the only one."""
        account, window = self._account, self._account.window
        if window is None or (window.low is not None and window.high <= window.low):
            return deque(), None
        survey = hot.survey(window)
        account.rows_without_timestamp = survey.without_timestamp
        account.possibly_expired_rows = survey.possibly_expired
        if survey.without_timestamp:
            account.warn(f"{survey.without_timestamp} rows bear the timestamp 1970-01-01: they have none")
        if survey.possibly_expired:
            account.warn(f"{survey.possibly_expired} rows have passed their TTL: others may have gone before")
        ahead = deque(batches(self._parts, hot, window, survey.rows))
        return ahead, survey.rows if len(ahead) == 1 else None

    def _plan(
        self, lease: Lease, hot: HotTable, state: ColdState, ahead: deque[Window], rows: int | None
    ) -> Batch | None:
        """Cut the next batch; keys that may stand in cold under another timestamp are left out of it."""
        while ahead:
            window = ahead.popleft()
            hot.one_batch(window)
            raw = hot.survey(window).rows if rows is None else rows
            if raw and hot.shape.spec.key and not hot.shape.spec.timestamp_follows_key and state.records:
                self._parts.verifier.leave_out_cold(hot, window, self._parts.lake.files(state, hot.key_bounds(window)))
            splits = plan_splits(hot, window, state.location, f"{self._run_id}-{lease.epoch}")
            if splits:
                return Batch(window, raw, tuple(splits))
        return None

    def _verification(self, hot: HotTable, state: ColdState) -> Verification:
        parts, tell = self._parts, self._account.tell
        return Verification(
            verifier=parts.verifier, lake=parts.lake, engine=parts.engine, hot=hot, state=state, tell=tell
        )

    def _publish(
        self,
        lease: Lease,
        hot: HotTable,
        state: ColdState,
        batch: Batch,
        files: Sequence[WrittenFile],
        swept_at: int | None,
    ) -> ColdState:
        account = self._account
        token = self._token(lease, hot, state, batch.window, files, swept_at)
        lease.check()
        with account.step(Step.PUBLISH, token.rows):
            told = partial(account.tell, Event.METADATA_WRITTEN, token.rows)
            account.state = self._parts.lake.publish(self._spec, state, files, token, told)
            account.batches += 1
            account.rows += token.rows
            account.files += len(files)
            account.bytes += sum(file.bytes for file in files)
            account.duplicates_dropped += max(0, batch.raw_rows - token.rows)
        return account.state

    def _run_from(self, state: ColdState) -> int | None:
        """Where late rows are looked for from: it stays while any are left behind, and else moves on with each run."""
        if self._account.late_rows and state.token:
            token = state.token
            return token.watermark_ticks if token.run_from is None else token.run_from
        return self._account.window.low if self._account.window else None

    def _token(
        self,
        lease: Lease,
        hot: HotTable,
        state: ColdState,
        window: Window,
        files: Sequence[WrittenFile],
        swept_at: int | None,
    ) -> Token:
        seen = reduce(add, (file.seen for file in files))
        before = state.token.watermark_ticks if state.token else None
        last = max(ticks for ticks in (seen.last, before) if ticks is not None)
        return Token(
            run_id=self._run_id,
            epoch=lease.epoch,
            batch=self._account.batches,
            run_from=self._run_from(state),
            window_from=window.low,
            window_to=window.high,
            rows=seen.fingerprint.rows,
            digest=seen.fingerprint.digest,
            watermark_ticks=last,
            watermark_sequence=hot.sequence_at(last),
            precision=hot.shape.precision,
            source_uuid=hot.identity.uuid,
            source_cluster=hot.identity.cluster,
            table_uuid=state.uuid,
            swept_at=swept_at,
        )
