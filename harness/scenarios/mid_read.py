"""A run of the offload, caught while ClickHouse sends it rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.readers.clickhouse import opened
from harness.verdict import assert_all, unknown
from harness.waiting import wait_until

if TYPE_CHECKING:
    from harness.child_process import ChildProcess

TIMEOUT = 60.0
STILL = 5  # looks in a row at which no query has got any further: what is sent is taken by nobody
SENDING = """
    SELECT query_id, read_rows FROM system.processes
    WHERE current_database = currentDatabase() AND read_rows > 0 AND endsWith(trimRight(query), 'FORMAT ArrowStream')
    ORDER BY query_id
"""


def freeze_in_mid_stream(run: ChildProcess, dsn: str) -> None:
    """
    Freeze a run when a query of it has begun to send rows and cannot end, because there is no room for the rest.

    Args:
        run: A run that strikes itself at no moment, over more rows than fit into the buffers of a connection.
        dsn: Its hot database, where no other query streams rows.

    Raises:
        AssertionError: UNKNOWN: the run has ended, and was not caught.
    """

    def caught() -> bool:
        if run.ended:
            assert_all(unknown("fault", f"expected a run caught in mid stream; it has ended: {run.output()}"))
        if not _sending(client):
            return False
        run.freeze()
        run.wait_frozen()
        if _stands_still(client):
            return True
        run.thaw()
        return False

    with opened(dsn) as client:
        wait_until(caught, lambda: f"expected ClickHouse to send rows to the run; it said: {run.output()}", TIMEOUT)


def _sending(client: Any) -> list[tuple[str, int]]:
    """The queries whose rows are on their way, and how many of them have been read."""
    return [(str(query), int(rows)) for query, rows in client.query(SENDING).result_rows]


def _stands_still(client: Any) -> bool:
    """Whether some query is still at it when nothing moves any more; False: all of it had been sent."""
    looks: list[list[tuple[str, int]]] = []

    def wait_ingested_past() -> bool:
        looks.append(_sending(client))
        return not looks[-1] or looks[-STILL:] == [looks[-1]] * STILL

    wait_until(
        wait_ingested_past, lambda: f"expected the queries of a frozen run to stand still; found {looks[-2:]}", TIMEOUT
    )
    return bool(looks[-1])
