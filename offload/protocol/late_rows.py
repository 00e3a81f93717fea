"""Late rows: hot rows at or below the watermark that the cold table lacks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.lake import ColdFiles
from offload.ports.source import HotTable
from offload.ports.verifier import LateRowsQuery
from offload.protocol.session import Session

VISIBILITY_DELAY = 600_000_000  # microseconds: the longest time from an insert's arrival stamp until it is visible
LOOK_BACK = 2 * windows.HOUR


@dataclass(frozen=True)
class LateRows:
    """
    The result of one check for late rows.

    Attributes:
        rows: Their number.
        swept_at: Time of the last check that found none, microseconds UTC on the source's clock; None: no such check.
        run_from: The watermark (ticks) from which the next look-back starts; None: from the first row.
    """

    rows: int
    swept_at: int | None
    run_from: int | None


def check_late_rows(session: Session, hot: HotTable, state: TableState, now: int) -> LateRows:
    """Count late rows, and warn about them; `now` is the source's clock in microseconds UTC."""
    token = state.token
    rows = _count(session.adapters.cold_files, hot, state)
    session.trace.count(late_rows=rows)
    if not rows:
        return LateRows(0, now, token.watermark_ticks if token else None)
    session.trace.warn(f"{rows} late rows at or below the watermark are not in {session.spec.target}")
    return LateRows(rows, token.swept_at if token else None, _look_back_from(token) if token else None)


def _count(cold_files: ColdFiles, hot: HotTable, state: TableState) -> int:
    token = state.token
    if token is None or token.watermark_ticks is None:
        return 0
    if hot.schema.spec.arrival and token.swept_at is not None:
        query = LateRowsQuery(Window(None, token.watermark_ticks), token.swept_at - VISIBILITY_DELAY)
    else:
        start = (_look_back_from(token) or 0) - LOOK_BACK * 10**token.precision
        query = LateRowsQuery(Window(start, token.watermark_ticks), None)
    files = partial(_files_within, cold_files, hot.schema.spec, state, hot.schema.precision)
    return hot.verifier.late(query, files)


def _look_back_from(token: CommitToken) -> int | None:
    """The same as in the last token while late rows are left, so that the look-back does not lose them."""
    return token.watermark_ticks if token.run_from is None else token.run_from


def _files_within(
    cold_files: ColdFiles, spec: TableSpec, state: TableState, precision: int, low: int, high: int
) -> list[str]:
    low_end, high_end = (windows.to_datetime(ticks, precision).isoformat() for ticks in (low, high))
    return cold_files.live(state, [(spec.timestamp, low_end, high_end)])
