"""Two real replicas with Keeper, and tables over shards: a run reads one replica, and none that is far behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from itertools import count
from typing import Any

import pytest

from harness.environments.servers import DDL, ServerEnvironment, server_environment
from harness.readers.clickhouse import opened
from harness.readers.iceberg import read_cold
from harness.stack.replicas import Replica, replicas
from harness.stack.stack import Stack
from harness.trades import tagged
from harness.trades.tagged import COLUMNS, TaggedTrades
from harness.waiting import wait_until
from tests.support import grants
from tests.support.http_servers import Answer, http
from tests.support.run import run

ROWS = 300
LAGGING = TaggedTrades(60, tag="lag-", first_sequence=1000)
PATIENCE = 30.0  # seconds
HOP_BY_HOP = {"transfer-encoding", "connection", "keep-alive", "content-length"}


@pytest.fixture(scope="module")
def pair(stack: Stack) -> Iterator[tuple[Replica, Replica]]:
    """Two servers, whose tables are those of the tests."""
    with replicas(stack) as pair:
        yield pair


@pytest.fixture
def environment(stack: Stack, pair: tuple[Replica, Replica]) -> Iterator[ServerEnvironment]:
    """A database of one name on both servers; the catalog, the store and the bucket are the stack's."""
    with server_environment(stack) as environment:
        for replica in pair:
            command(replica, "default", f"CREATE DATABASE {environment.database}")
        yield environment
        for replica in pair:
            command(replica, "default", f"DROP DATABASE {environment.database} SYNC")


@pytest.fixture
def replicated(environment: ServerEnvironment, pair: tuple[Replica, Replica]) -> ServerEnvironment:
    """The table on both, each with a UUID of its own, as created one by one; `ROWS` rows in both."""
    for replica in pair:
        create(replica, environment, replicated_engine(environment))
    insert(pair[0], environment, TaggedTrades(ROWS))
    synchronise(pair[1], environment)
    return environment


def command(replica: Replica, database: str, statement: str) -> Any:
    """Run a statement on one of the servers."""
    with opened(replica.dsn(database)) as client:
        return client.command(statement)


def create(replica: Replica, environment: ServerEnvironment, engine: str, table: str = "") -> None:
    """Create the bronze table with another engine, or under another name."""
    ddl = (DDL / f"{environment.table}.sql").read_text().replace("ENGINE = ReplacingMergeTree", f"ENGINE = {engine}")
    with opened(replica.dsn(environment.database)) as client:
        tagged.create(client, ddl.replace(environment.table, table or environment.table))


def replicated_engine(environment: ServerEnvironment) -> str:
    """The engine with a path in Keeper that only this test has."""
    return f"ReplicatedReplacingMergeTree('/tables/{environment.name}', '{{replica}}')"


def distribute(replica: Replica, environment: ServerEnvironment, cluster: str) -> None:
    """Create the declared table on one server, over the tables `shard` of a cluster."""
    engine = f"Distributed('{cluster}', '{environment.database}', 'shard', cityHash64(symbol))"
    command(replica, environment.database, f"CREATE TABLE {environment.table} AS shard ENGINE = {engine}")


def insert(replica: Replica, environment: ServerEnvironment, trades: TaggedTrades, table: str = "") -> None:
    """Insert rows that arrived forty minutes ago: nobody can tell them from old ones by their stamp."""
    command(
        replica,
        environment.database,
        f"INSERT INTO {table or environment.table} ({COLUMNS}, arrived_at) "
        f"SELECT *, now64(3, 'UTC') - 2400 FROM ({trades.select()})",
    )


def synchronise(replica: Replica, environment: ServerEnvironment) -> None:
    """Let a replica fetch all rows of the other one, and wait until it has."""
    command(replica, environment.database, f"SYSTEM START FETCHES {environment.table}")
    command(replica, environment.database, f"SYSTEM SYNC REPLICA {environment.table}")


def lag(pair: tuple[Replica, Replica], environment: ServerEnvironment) -> None:
    """Insert rows into the first replica that the second one does not fetch."""
    command(pair[1], environment.database, f"SYSTEM STOP FETCHES {environment.table}")
    insert(pair[0], environment, LAGGING)


def wait_for_delay(replica: Replica, environment: ServerEnvironment, seconds: int) -> None:
    """Wait until a replica says that it is this far behind."""
    condition = f"database = '{environment.database}' AND absolute_delay > {seconds}"
    wait_until(
        lambda: command(replica, "default", f"SELECT count() FROM system.replicas WHERE {condition}"),
        lambda: f"expected {replica.name} to be {seconds} s behind",
        PATIENCE,
    )


def outcome(environment: ServerEnvironment, dsn: str, **settings: str) -> tuple[int, dict[str, Any]]:
    """Exit code and result of a run against this server."""
    ended = run(environment, OFFLOAD_CLICKHOUSE_DSN=dsn, **settings)
    (table,) = json.loads(ended.stdout)["tables"]
    return ended.returncode, table


def at(replica: Replica, environment: ServerEnvironment) -> str:
    """The address of the test's database on one server."""
    return replica.dsn(environment.database)


def cold_ids(environment: ServerEnvironment) -> list[str]:
    """The ids of the cold rows, sorted."""
    return sorted(read_cold(environment.cold, ["trade_id"])["trade_id"].to_pylist())


def ids(*inserted: TaggedTrades) -> list[str]:
    """The ids of inserted rows, sorted."""
    return sorted(f"{each.tag}{each.first_sequence + number}" for each in inserted for number in range(each.rows))


@contextmanager
def balancer(
    pair: tuple[Replica, Replica], environment: ServerEnvironment, choose: Callable[[str], int]
) -> Iterator[str]:
    """Send each request to the replica that `choose(query)` says; yields the address of the test's database."""

    def forward(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        server = pair[choose(path + body.decode("utf-8", "replace"))].server
        with closing(HTTPConnection(server.host, server.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, {**headers, "content-length": str(len(body))})
            answer = connection.getresponse()
            passed = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
            return answer.status, passed, answer.read()

    with http(forward) as port:
        yield replace(pair[0].server, port=port).dsn(environment.database)


def test_replicas_in_step_are_one_table(pair: tuple[Replica, Replica], replicated: ServerEnvironment) -> None:
    """Each has a UUID of its own; the path in Keeper is the identity."""
    assert outcome(replicated, at(pair[0], replicated))[0] == 0
    insert(pair[1], replicated, LAGGING)
    later = TaggedTrades(50, start=tagged.START.replace(day=9), tag="later-", first_sequence=5000)
    insert(pair[1], replicated, later)

    code, result = outcome(replicated, at(pair[1], replicated))

    assert (code, result["rows"], result["swept_rows"]) == (0, 50 + LAGGING.rows, LAGGING.rows), result
    assert cold_ids(replicated) == ids(TaggedTrades(ROWS), LAGGING, later)


def test_rows_that_a_lagging_replica_had_not_fetched_are_swept(
    pair: tuple[Replica, Replica], replicated: ServerEnvironment
) -> None:
    """Whatever their stamp says."""
    lag(pair, replicated)
    code, result = outcome(replicated, at(pair[1], replicated))
    assert (code, result["rows"]) == (0, ROWS), result

    synchronise(pair[1], replicated)
    code, result = outcome(replicated, at(pair[1], replicated))

    assert (code, result["swept_rows"], result["duplicates_dropped"]) == (0, LAGGING.rows, 0), result
    assert cold_ids(replicated) == ids(TaggedTrades(ROWS), LAGGING)


def test_a_replica_that_is_too_far_behind_is_refused(
    pair: tuple[Replica, Replica], replicated: ServerEnvironment
) -> None:
    """It says so itself; the other one can be read, and so can this one when it has caught up."""
    lag(pair, replicated)
    wait_for_delay(pair[1], replicated, 1)

    code, result = outcome(replicated, at(pair[1], replicated), OFFLOAD_REPLICA_LAG="1s")
    assert (code, result["error"]["kind"]) == (75, "SourceMoving"), result
    assert "at most 1 s behind the others" in result["error"]["expected"]

    synchronise(pair[1], replicated)
    code, result = outcome(replicated, at(pair[1], replicated), OFFLOAD_REPLICA_LAG="1s")
    assert (code, result["rows"]) == (0, ROWS + LAGGING.rows), result


def test_a_switch_of_replicas_during_a_run_is_refused(
    pair: tuple[Replica, Replica], replicated: ServerEnvironment
) -> None:
    """PLAN counts on the first; the rows come from the second, which lags: they are no duplicates, and not lost."""
    lag(pair, replicated)
    switched = False

    def after_plan(query: str) -> int:
        nonlocal switched
        switched = switched or "ArrowStream" in query
        return int(switched)

    with balancer(pair, replicated, after_plan) as between:
        code, result = outcome(replicated, between)
    assert switched
    assert (code, result["error"]["kind"]) == (75, "SourceMoving"), result

    code, result = outcome(replicated, at(pair[0], replicated))
    assert (code, result["rows"], result["duplicates_dropped"]) == (0, ROWS + LAGGING.rows, 0), result
    assert cold_ids(replicated) == ids(TaggedTrades(ROWS), LAGGING)


def test_a_balancer_that_takes_turns_is_refused(pair: tuple[Replica, Replica], replicated: ServerEnvironment) -> None:
    """Also while the replicas are in step: nobody knows for how long."""
    turns = count()
    with balancer(pair, replicated, lambda _: next(turns) % 2) as between:
        code, result = outcome(replicated, between)

    assert (code, result["error"]["kind"]) == (75, "SourceMoving"), result
    assert "name one replica in OFFLOAD_CLICKHOUSE_DSN" in result["error"]["next"]


def test_a_replica_without_keeper_is_69(pair: tuple[Replica, Replica], replicated: ServerEnvironment) -> None:
    """Its delay is the one that it had when it lost its session."""
    with pair[0].paused():
        wait_until(
            lambda: command(pair[1], "default", "SELECT count() FROM system.replicas WHERE is_session_expired"),
            lambda: "expected the second replica to lose its session with Keeper",
            PATIENCE,
        )
        code, result = outcome(replicated, at(pair[1], replicated))
    pair[0].wait_healthy()

    assert (code, result["error"]["kind"]) == (69, "Unavailable"), result
    assert "to have a session with Keeper" in result["error"]["expected"]


def test_a_distributed_table_reads_no_replica_that_is_too_far_behind(
    pair: tuple[Replica, Replica], environment: ServerEnvironment
) -> None:
    """It is asked on the server that lags, and answers from the other one; if both lag, the run is refused."""
    for replica in pair:
        create(replica, environment, replicated_engine(environment), "shard")
    command(pair[1], environment.database, "SYSTEM STOP FETCHES shard")
    insert(pair[0], environment, TaggedTrades(ROWS), "shard")
    wait_for_delay(pair[1], environment, 1)
    distribute(pair[1], environment, "replicas")

    code, result = outcome(environment, at(pair[1], environment), OFFLOAD_REPLICA_LAG="1s")
    assert (code, result["rows"]) == (0, ROWS), result

    command(pair[0], environment.database, "SYSTEM STOP FETCHES shard")
    insert(pair[1], environment, LAGGING, "shard")
    wait_for_delay(pair[0], environment, 1)
    code, result = outcome(environment, at(pair[1], environment), OFFLOAD_REPLICA_LAG="1s")
    assert (code, result["error"]["kind"]) == (75, "SourceMoving"), result
    assert "OFFLOAD_REPLICA_LAG" in result["error"]["expected"]


def test_redeliveries_across_shards_are_published_once(
    pair: tuple[Replica, Replica], environment: ServerEnvironment
) -> None:
    """FINAL on each server merges only the rows of that server."""
    for replica in pair:
        create(replica, environment, "ReplacingMergeTree", "shard")
        insert(replica, environment, TaggedTrades(ROWS), "shard")
    insert(pair[1], environment, LAGGING, "shard")
    distribute(pair[0], environment, "shards")

    code, result = outcome(environment, at(pair[0], environment))

    assert (code, result["rows"], result["duplicates_dropped"]) == (0, ROWS + LAGGING.rows, ROWS), result
    assert cold_ids(environment) == ids(TaggedTrades(ROWS), LAGGING)


def test_a_distributed_table_over_plain_tables_is_read_without_final(
    pair: tuple[Replica, Replica], environment: ServerEnvironment
) -> None:
    """ClickHouse refuses FINAL where no shard can merge rows."""
    for replica, trades in zip(pair, (TaggedTrades(ROWS), LAGGING), strict=True):
        create(replica, environment, "MergeTree", "shard")
        insert(replica, environment, trades, "shard")
    distribute(pair[0], environment, "shards")

    code, result = outcome(environment, at(pair[0], environment))

    assert (code, result["rows"]) == (0, ROWS + LAGGING.rows), result
    assert cold_ids(environment) == ids(TaggedTrades(ROWS), LAGGING)


def named(grant: str, environment: ServerEnvironment, user: str) -> str:
    """A statement of docs/grants.md for this test's table and user."""
    return grant.replace("DATABASE.TABLE", f"{environment.database}.{environment.table}").replace(
        "TO USER", f"TO {user}"
    )


def test_a_user_with_the_documented_grants_may_ask_for_the_delay(
    pair: tuple[Replica, Replica], replicated: ServerEnvironment
) -> None:
    """Without the grant on system.replicas the run says which statement is missing."""
    user, password = f"u{replicated.name}", replicated.stack.clickhouse.password
    dsn = replace(pair[0].server, user=user).dsn(replicated.database)
    command(pair[0], "default", f"CREATE USER {user} IDENTIFIED BY '{password}'")
    try:
        for grant in grants.sql(grants.CLICKHOUSE):
            command(pair[0], "default", named(grant, replicated, user))
        code, result = outcome(replicated, dsn)
        assert (code, result["error"]["kind"]) == (77, "AccessRefused"), result
        assert "ON system.replicas" in result["error"]["next"]

        (grant,) = grants.sql(grants.CLICKHOUSE_REPLICA)
        command(pair[0], "default", named(grant, replicated, user))
        code, result = outcome(replicated, dsn)
        assert (code, result["rows"]) == (0, ROWS), result
    finally:
        command(pair[0], "default", f"DROP USER {user}")
