"""A bucket that does not answer must not block a query, and so a run, for minutes."""

from __future__ import annotations

import time

import pytest

from harness.environments.servers import server_environment
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until
from offload.clickhouse.connection.client import ClickHouse
from offload.errors import Unavailable

_ENDED = "type = 'ExceptionWhileProcessing' AND query LIKE '%, count() FROM s3%' AND query NOT LIKE '%query_log%'"


def test_a_query_without_progress_is_killed_on_the_server(stack: Stack) -> None:
    """The run gets an error within its 30 seconds, and the query is killed on the server."""
    with server_environment(stack) as environment:
        minio = stack.container(Service.MINIO)
        client = ClickHouse(environment.dsn, 4)
        file = f"{stack.minio.inside}/{environment.bucket}/a.parquet"
        keys = f"'{stack.minio.access_key}', '{stack.minio.secret_key}'"
        minio.pause()
        try:
            began = time.monotonic()
            with pytest.raises(Unavailable, match="within 4 s"):
                client.rows_of_files(f"SELECT count() FROM s3('{file}', {keys}, 'Parquet', 'n Int8')")
            heard = time.monotonic() - began
            wait_until(lambda: _logged(client, _ENDED), lambda: "no s3() query ended in system.query_log", 120)
            told = _logged(client, "type = 'QueryFinish' AND query LIKE 'KILL QUERY WHERE query_id%'")
        finally:
            minio.unpause()
            client.close()

    assert heard < 30
    assert told == 1


def _logged(client: ClickHouse, condition: str) -> int:
    client.statement("SYSTEM FLUSH LOGS")
    found = client.rows(
        f"SELECT count() FROM system.query_log WHERE current_database = currentDatabase() AND {condition}"
    )
    return int(found[0][0])
