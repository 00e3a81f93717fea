"""Freezes a run while ClickHouse sends rows to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.readers.clickhouse import opened
from harness.verdict import assert_all, unknown
from harness.waiting import wait_until

if TYPE_CHECKING:
    from harness.child_process import ChildProcess

TIMEOUT = 60.0
STILL = 5  # polls in a row without progress of any query: the run no longer reads
SENDING = """
    SELECT query_id, read_rows FROM system.processes
    WHERE current_database = currentDatabase() AND read_rows > 0 AND endsWith(trimRight(query), 'FORMAT ArrowStream')
    ORDER BY query_id
"""


def freeze_in_mid_stream(run: ChildProcess, dsn: str) -> None:
    """
    Freeze a run while one of its queries sends rows and cannot end, because the buffers of the connection are full.

    Args:
        run: A run without a fault of its own, over more rows than the buffers of a connection can have.
        dsn: Its hot database, in which no other query streams rows.

    Raises:
        AssertionError: UNKNOWN: the run ended before it could be frozen.
    """

    def frozen() -> bool:
        if run.ended:
            assert_all(unknown("fault", f"expected a run that reads a stream; found it ended: {run.output()}"))
        if not _sending(client):
            return False
        run.freeze()
        run.wait_frozen()
        if _makes_no_progress(client):
            return True
        run.thaw()
        return False

    with opened(dsn) as client:
        wait_until(frozen, lambda: f"expected ClickHouse to send rows to the run; output: {run.output()}", TIMEOUT)


def _sending(client: Any) -> list[tuple[str, int]]:
    """The ids of the queries that send rows, and how many rows each has read."""
    return [(str(query), int(rows)) for query, rows in client.query(SENDING).result_rows]


def _makes_no_progress(client: Any) -> bool:
    """True if a query is still running and makes no progress; False: all rows had been sent."""
    polls: list[list[tuple[str, int]]] = []

    def settled() -> bool:
        polls.append(_sending(client))
        return not polls[-1] or polls[-STILL:] == [polls[-1]] * STILL

    wait_until(
        settled, lambda: f"expected the queries of a frozen run to make no progress; found {polls[-2:]}", TIMEOUT
    )
    return bool(polls[-1])
