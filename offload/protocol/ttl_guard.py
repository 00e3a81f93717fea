"""
The guard of a table with a TTL (`ttl_guard = true`): TTL merges are stopped while anything unproven is near its TTL.

A row is near its TTL when half of the time is over. While cold cannot be read, nothing is proven. ClickHouse forgets
the stop when it restarts; each run makes it again.
"""

from __future__ import annotations

from offload.errors import AccessRefused, Fenced, LeaseHeld, OffloadError, Unavailable
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.adapters import Adapters
from offload.protocol.proof import lowered, proven_through
from offload.protocol.publish import publish_proof
from offload.protocol.session import Session
from offload.protocol.trace import RunTrace


def hold(session: Session, hot: HotTable, state: TableState) -> None:
    """
    Before rows are moved: stop TTL merges where unproven rows are near their TTL.

    Where that is refused, the rows are moved all the same, which protects them best; `settle` raises it at the end.

    Raises:
        DataError: The table is of an engine without TTL merges of its own.
    """
    if not session.spec.ttl_guard:
        return
    try:
        if _near(session.adapters, hot, _verified(hot, state)):
            hot.partitions.ttl_merges(allowed=False)
    except (AccessRefused, Unavailable) as error:
        session.trace.warn(f"TTL merges of {session.spec.source} could not be stopped: {error}")


def settle(session: Session, hot: HotTable, state: TableState) -> TableState:
    """
    After rows were moved: take the proof back or advance it, and stop or start TTL merges accordingly.

    The comparison is made only when unproven rows are near their TTL, about once per half of it.
    """
    trace, token = session.trace, state.token
    verified, expired = _verified(hot, state), token.expired_through if token else None
    found = None
    near = _near(session.adapters, hot, verified) if session.spec.ttl_guard else 0
    partitions = hot.partitions.listed() if near else []
    if partitions and state.coverage.unproven_from is None:
        verified, found = proven_through(session.adapters, hot, state, verified, partitions[0].low)
    state = publish_proof(session, hot, state, verified, expired)
    if session.spec.ttl_guard:
        near = _near(session.adapters, hot, verified)
        start = hot.partitions.ttl_merges(allowed=not near)
        if near:
            trace.warn(_stopped(f"{near} rows of {session.spec.source}", start, found))
    return state


def guard_after(adapters: Adapters, trace: RunTrace, error: Exception) -> None:
    """After a run that failed: stop TTL merges where unproven rows are near their TTL; they are never started here."""
    spec, state = trace.spec, trace.state
    if not spec.ttl_guard or isinstance(error, LeaseHeld | Fenced):  # the other run guards the table
        return
    try:
        hot = adapters.source.describe(spec)
        if near := _near(adapters, hot, _verified(hot, state) if state else None):
            start = hot.partitions.ttl_merges(allowed=False)
            trace.warn(_stopped(f"{near} rows of {spec.source}", start, None if state else "cold was not read"))
    except OffloadError as second:
        trace.warn(f"TTL merges of {spec.source} could not be stopped: {second}")


def _verified(hot: HotTable, state: TableState) -> int | None:
    verified = state.token.verified_through if state.token else None
    return lowered(verified, state.coverage, hot.schema.precision)


def _near(adapters: Adapters, hot: HotTable, verified: int | None) -> int:
    """Rows later than the proof (ticks) that are past half of their TTL."""
    now = windows.ticks(adapters.source.now(), hot.schema.precision)
    if verified is not None and now <= verified:
        return 0
    return hot.statistics.window_stats(Window(verified, now)).near_ttl


def _stopped(rows: str, start: str, found: str | None) -> str:
    why = f" ({found})" if found else ""
    return f"{rows} are not proven and past half of their TTL{why}: TTL merges are stopped; to start them: {start}"
