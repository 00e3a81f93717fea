"""`watermark set`: an operator moves the watermark, by a commit without rows; logged with who and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from offload.commands.watermark import show_watermark
from offload.errors import DataError, UsageError
from offload.model import windows
from offload.model.cold_table import Publication, TableState
from offload.model.steps import Step
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.source import HotTable
from offload.ports.watermarks import RunOutcome, TableWatermark, WatermarkChange
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads
from offload.protocol.publish import commit_token, land
from offload.protocol.reconciliation.late_rows import LateRows, late_within, sweeps
from offload.protocol.recover import recover, watermark_of
from offload.protocol.session import Session, claimed
from offload.protocol.trace import RunTrace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NewWatermark:
    """
    The watermark that an operator asks for.

    Attributes:
        to: ISO 8601; the last tick of that microsecond.
        sequence: Shown beside it; None: the largest one at that timestamp.
        changed_by: user@host.
        reason: Why.
        force: Whether rows may stay out of cold.
    """

    to: str
    sequence: int | None
    changed_by: str
    reason: str
    force: bool = False


def set_watermark(
    adapters: Adapters, spec: TableSpec, run_id: str, asked: NewWatermark, listeners: Sequence[Listener] = ()
) -> dict[str, Any]:
    """
    Set the watermark in the Iceberg table, then in the store; return the document of `watermark show`.

    Raises:
        UsageError: The time is later than the end of a window now.
        DataError: Rows would stay out of cold, or be published twice; or the table is not as the runs left it.
        LeaseHeld: A living run has the table.
    """
    trace = RunTrace(spec, listeners)
    with claimed(adapters, trace, run_id) as session, cold_reads(adapters, spec):
        with trace.step(Step.RECOVER):
            hot, state = recover(session, only_below=True)
            old = watermark_of(spec, state)
        with trace.step(Step.PLAN):
            new = _ticks(adapters, hot, old, asked.to)
            late_rows = _check(adapters, hot, state, Window(old, new), asked)
            token = _token(session, hot, state, new, asked)
        if state.token is not None and token.watermark != state.token.watermark:
            change = WatermarkChange(
                run_id,
                spec.source,
                asked.changed_by,
                asked.reason,
                TableWatermark.of(state),
                TableWatermark.of(replace(state, token=token)),
                late_rows,
                asked.force,
            )
            state = _publish(session, hot.schema.spec, state, token, change)
        with trace.step(Step.RECORD):
            session.lease.record(RunOutcome("repaired", TableWatermark.of(state), snapshot_id=state.snapshot_id))
    return show_watermark(adapters, spec)


def _ticks(adapters: Adapters, hot: HotTable, old: int, to: str) -> int:
    """The watermark in ticks; a time in the microsecond of the old one is the old one."""
    precision = hot.schema.precision
    new = max(windows.last_tick(to, precision), windows.first_tick(precision))
    latest = windows.window_end(adapters.source.now(), adapters.clock.now(), adapters.limits.buffer, precision, None)
    if windows.microseconds(new, precision) > windows.microseconds(latest, precision):
        raise UsageError(
            f"--to not after {windows.iso(latest, precision)}, where the window of a run would end now",
            to,
            "name an earlier time: rows that are yet to come would be late",
        )
    return old if windows.iso(new, precision) == windows.iso(old, precision) else new


def _check(adapters: Adapters, hot: HotTable, state: TableState, change: Window, asked: NewWatermark) -> int:
    """Refuse a change from `low` to `high` that loses or doubles rows; return the rows that it makes late."""
    old, new = change.low or 0, change.high
    if new < old:
        _check_backwards(adapters, hot, state, Window(new, old))
        return 0
    spec, precision = hot.schema.spec, hot.schema.precision
    late = late_within(adapters.cold_files, hot, state, change).late if new > old else 0
    if late and not sweeps(spec) and not asked.force:
        raise DataError(
            f"{spec.target} to have every row of {spec.source} up to {windows.iso(new, precision)}",
            f"{late} rows after {windows.iso(old, precision)} that it lacks, and that no run would publish any more",
            f"{spec.command('run')} first; or leave them out: the same command with --force",
        )
    return late


def _check_backwards(adapters: Adapters, hot: HotTable, state: TableState, again: Window) -> None:
    """A run reads the window again: only where every batch leaves out the keys that cold has, it doubles nothing."""
    spec, precision = hot.schema.spec, hot.schema.precision
    old, new = windows.iso(again.high, precision), windows.iso(again.low, precision)
    if not spec.key or spec.timestamp_follows_key:
        instead = f"{spec.command('backfill')} --from TS --to TS, which publishes what cold lacks in a range"
        raise DataError(
            f"a watermark of {spec.name} that is not before {old}: a run would publish the rows after it twice",
            f"{new}",
            instead if spec.key else f"leave it; to compare hot and cold: {spec.command('audit')}",
        )
    changed = late_within(adapters.cold_files, hot, state, again).changed
    if changed:
        raise DataError(
            f"the published rows of {spec.name} after {new} as {spec.source} has them: a run reads them again",
            f"{changed} rows with another content, at which it would stop",
            f"{spec.command('backfill')} --from TS --to TS, which leaves such rows as they are",
        )


def _token(session: Session, hot: HotTable, state: TableState, new: int, asked: NewWatermark) -> CommitToken:
    old = watermark_of(session.spec, state)
    late = LateRows(0, 0, state.token.swept_at if state.token else None, old, state.coverage)
    token = commit_token(session, hot, state, Window(old, max(old, new)), new, late)
    if asked.sequence is not None:
        token = replace(token, watermark_sequence=asked.sequence)
    elif state.token is not None and new == old:
        token = replace(token, watermark_sequence=state.token.watermark_sequence)
    return replace(token, changed_by=asked.changed_by, reason=asked.reason)


def _publish(
    session: Session, spec: TableSpec, before: TableState, token: CommitToken, change: WatermarkChange
) -> TableState:
    changes = session.adapters.changes
    changes.begin(change)
    session.lease.check()
    with session.trace.step(Step.PUBLISH):
        # After a step back, runs look at no row after the new watermark: none of them may count as deleted.
        coverage = before.coverage.expected_until((token.watermark_ticks or 0) // 10**token.precision)
        after = land(session, spec, before, Publication(token, (), coverage))
    _log.warning(
        "%s: watermark set from %s to %s by %s: %s",
        spec.name,
        change.old.timestamp,
        change.new.timestamp,
        change.changed_by,
        change.reason,
    )
    changes.published(change, after.snapshot_id)
    return after
