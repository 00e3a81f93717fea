"""
The bad days of an offload among real servers: refused, missing, out of reach, or silent.

Each run meets a cold table with a past and hot rows that wait. It ends with its exit code and an error in four parts,
changes nothing that a reader sees, and says no secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from harness.environments.servers import ServerEnvironment, server_environment
from harness.faults.injected import injected
from harness.faults.pause import Pause
from harness.history import History
from harness.readers.clickhouse import opened, read_hot
from harness.readers.iceberg import read_history
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.trades.tagged import START, TaggedTrades
from harness.verdict import assert_all
from tests.support.offload import check_invariants, run_offload
from tests.support.run import published, run, told
from tests.support.wrong_settings import HUSH, MISSING, REFUSED, TLS, UNREACHABLE, changed

END_TO_END = 30.0  # seconds
ROWS = 50


@pytest.fixture(scope="module")
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """Some rows are cold, others wait in hot; nothing in this module may change that."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        assert run(environment).returncode == 0
        environment.insert(TaggedTrades(ROWS, start=START + timedelta(days=2), tag="waiting-", first_sequence=1000))
        yield environment


@pytest.mark.parametrize("what", REFUSED)
def test_a_password_that_is_refused_is_77(environment: ServerEnvironment, what: str) -> None:
    """The message names what to correct, and the server that refused."""
    code, error = told(environment, REFUSED[what](environment))

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert what in error["next"]
    assert "127.0.0.1:" in error["expected"]


@pytest.mark.parametrize("what", MISSING)
def test_a_database_or_bucket_that_is_missing_is_78(environment: ServerEnvironment, what: str) -> None:
    """Nothing is made in its stead; the message names what is missing, and the variable."""
    code, error = told(environment, MISSING[what](environment))

    assert (code, error["kind"]) == (78, "ConfigurationError"), error
    assert "absent" in error["expected"] + error["found"]
    assert what in error["next"]


@pytest.mark.parametrize("what", TLS)
def test_tls_that_is_asked_of_a_plain_port_is_78(environment: ServerEnvironment, what: str) -> None:
    """Trying again would not help, and the message does not say so."""
    code, error = told(environment, TLS[what](environment))

    assert (code, error["kind"]) == (78, "ConfigurationError"), error
    assert error["expected"].startswith("TLS at ")
    assert what in error["next"]


@pytest.mark.parametrize("what", UNREACHABLE)
def test_a_server_out_of_reach_is_69(environment: ServerEnvironment, what: str) -> None:
    """The message bears the address that was tried."""
    wrong = UNREACHABLE[what](environment)
    port = wrong[what].rpartition(":")[2].partition("/")[0]

    code, error = told(environment, wrong)

    assert (code, error["kind"]) == (69, "Unavailable"), error
    assert port in error["expected"] or what in error["next"]


@pytest.mark.parametrize("service", [Service.CLICKHOUSE, Service.MINIO, Service.POSTGRES])
def test_a_server_that_hangs_is_69_within_thirty_seconds(
    environment: ServerEnvironment, stack: Stack, service: Service
) -> None:
    """
    It takes the connection and never says a word.

    The time is the run's own: starting an interpreter takes long on a loaded machine, and is not waited for a server.
    """
    before = published(environment)
    with injected(Pause(service), stack, History()):
        ended = run_offload(["run", environment.table, "--json"], environment)
    (table,) = json.loads(ended.stdout)["tables"]

    assert (ended.returncode, table["error"]["kind"]) == (69, "Unavailable"), ended
    assert table["seconds"] < END_TO_END
    assert str(getattr(stack, service).port) in table["error"]["expected"]
    assert published(environment) == before


@pytest.mark.parametrize(
    ("granted", "code", "said"),
    [
        pytest.param("SELECT ON system.one", 65, "may see", id="neither the table"),
        pytest.param("SELECT ON {0}.*", 77, "S3 ON", id="nor a bucket"),
    ],
)
def test_a_clickhouse_user_must_be_allowed_what_a_run_reads(
    environment: ServerEnvironment, granted: str, code: int, said: str
) -> None:
    """A server hides tables from who may not read them; who may not read buckets cannot verify what was stored."""
    user = f"limited_{environment.name}"
    with opened(environment.dsn) as client:
        client.command(f"CREATE USER OR REPLACE {user} IDENTIFIED WITH plaintext_password BY '{HUSH}'")
        client.command(f"GRANT {granted.format(environment.database)} TO {user}")
        answer = told(environment, {"OFFLOAD_CLICKHOUSE_DSN": changed(environment.dsn, username=user, password=HUSH)})
        client.command(f"DROP USER {user}")

    assert answer[0] == code, answer
    assert said in answer[1]["found"]


def test_a_first_run_that_is_refused_makes_no_table(stack: Stack) -> None:
    """The last server that a run asks refuses it: the catalog stays as empty as it was."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        refused = run(environment, **REFUSED["OFFLOAD_CLICKHOUSE_DSN"](environment))

        assert refused.returncode == 77, refused.stderr
        assert read_history(environment.cold, missing_ok=True) == ()


def test_after_bad_days_the_next_run_is_exact(stack: Stack) -> None:
    """Some of each kind, and then a good one: every row is cold, once, and the server's log of queries holds no key."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        bad = [REFUSED["key"], MISSING["OFFLOAD_WAREHOUSE"], *UNREACHABLE.values()]
        codes = [run(environment, **wrong(environment)).returncode for wrong in bad]
        last = run(environment)

        assert (codes, last.returncode) == ([77, 78, *[69] * len(UNREACHABLE)], 0), last.stderr
        assert_all(*check_invariants(environment, read_hot(environment.hot)))
        assert not [query for query in logged(environment) if stack.minio.secret_key in query]


def logged(environment: ServerEnvironment) -> list[str]:
    """What ClickHouse has noted of every query that read from a bucket, its error included."""
    with opened(environment.dsn) as client:
        client.command("SYSTEM FLUSH LOGS")
        noted = client.query(
            "SELECT concat(query, exception) FROM system.query_log "
            f"WHERE current_database = '{environment.database}' AND query LIKE '%s3(%'"
        )
    assert noted.result_rows, "a run reads from the bucket what it has stored"
    return [text for (text,) in noted.result_rows]
