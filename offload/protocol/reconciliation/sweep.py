"""
The sweep: late rows are published below the watermark, which does not change.

The check for late rows has told in which hours or days they are; a backfill has looked for them in its range. There,
the rows whose keys cold lacks are written, verified and committed like any batch. A run that is killed in between
leaves them late, for the next run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from offload.model.cold_table import TableState
from offload.model.coverage import window_of
from offload.model.splits import BatchKind
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.planning import Batch, in_batches
from offload.protocol.publish import publish
from offload.protocol.reconciliation.late_rows import LateRows
from offload.protocol.session import Session
from offload.protocol.transfer import transfer


def sweep(session: Session, hot: HotTable, state: TableState, late: LateRows, now: int) -> tuple[TableState, LateRows]:
    """
    Publish late rows; return the table after it, and the check as the sweep left it.

    Args:
        session: The run.
        hot: The table.
        state: The cold table, with the coverage that the check left.
        late: The check.
        now: The source's clock in microseconds UTC, when the check was made.
    """
    for window in _windows(hot, state, late):
        state = publish_late(session, hot, state, window, late)
    left = state.coverage.late
    warn_gone(session, left - state.coverage.left_out)
    return state, replace(late, rows=left, swept_at=late.swept_at if left else now, coverage=state.coverage)


def _windows(hot: HotTable, state: TableState, late: LateRows) -> Iterator[Window]:
    watermark = state.token.watermark_ticks if state.token else None
    if watermark is not None:
        for start, end in late.coverage.late_spans():
            yield window_of(start, end - start, watermark, hot.schema.precision)


def warn_gone(session: Session, rows: int) -> None:
    """Warn about late rows that were found and not published; zero or less: there are none."""
    if rows > 0:
        session.trace.warn(f"{rows} late rows were gone from {session.spec.source} when they were to be published")


def publish_late(session: Session, hot: HotTable, state: TableState, window: Window, late: LateRows) -> TableState:
    """The table after the late rows of one window."""

    def published(before: TableState, batch: Batch) -> TableState:
        files = transfer(session, hot, before, batch).files
        return publish(session, hot, before, batch, files, late) if files else before

    return in_batches(session, hot, state, window, BatchKind.LATE, published)
