"""How far a replica is behind the others of its table."""

from __future__ import annotations

from offload.clickhouse.connection.client import ClickHouse
from offload.errors import SourceMoving, Unavailable

REPLICATED = "Replicated"  # the engines of replicated tables begin with it


def check_lag(client: ClickHouse, database: str, table: str) -> None:
    """
    Check that a replicated table has the rows of the other replicas, but for those of the last moments.

    Rows that a replica has not fetched yet are found late by a later run; a replica that is far behind would make that
    the rule. The delay is `absolute_delay` of system.replicas: whole seconds since the oldest insert not yet fetched.

    Args:
        client: The server; its `replica_lag` is the longest delay.
        database: The database as an SQL literal.
        table: The table as an SQL literal.

    Raises:
        SourceMoving: The replica is further behind.
        Unavailable: The replica has no session with Keeper, so nobody knows how far it is behind.
    """
    count, delay, lost, read_only, queued = client.row(
        "SELECT count(), max(absolute_delay), max(is_session_expired), max(is_readonly), max(queue_size) "
        f"FROM system.replicas WHERE database = {database} AND table = {table}"
    )
    name = f"{database.strip(chr(39))}.{table.strip(chr(39))} at {client.address}"
    if not count or lost or read_only:
        raise Unavailable(
            f"the replica {name} to have a session with Keeper",
            "the table is read only" if read_only and not lost else "no session",
            "check that Keeper is running (system.replicas), or name another replica in OFFLOAD_CLICKHOUSE_DSN",
        )
    if delay > client.replica_lag:
        raise SourceMoving(
            f"the replica {name} to be at most {client.replica_lag:g} s behind the others",
            f"{delay} s, with {queued} entries in its queue",
            "wait until it has caught up (system.replicas), or name another replica in OFFLOAD_CLICKHOUSE_DSN",
        )
