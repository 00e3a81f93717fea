"""
Errors of real servers: refused, missing, unreachable or silent.

In each test the cold table has rows, and hot has new ones. The run ends with its exit code and an error in four parts;
readers see no change, and no secret is printed.
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
from tests.support.run import published, refusal_of, run
from tests.support.wrong_settings import HUSH, MISSING, REFUSED, TLS, UNREACHABLE, changed

END_TO_END = 30.0  # seconds
ROWS = 50


@pytest.fixture(scope="module")
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """Some rows are cold, others are only hot; no test of this module changes that."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        assert run(environment).returncode == 0
        environment.insert(TaggedTrades(ROWS, start=START + timedelta(days=2), tag="waiting-", first_sequence=1000))
        yield environment


@pytest.mark.parametrize("what", REFUSED)
def test_a_password_that_is_refused_is_77(environment: ServerEnvironment, what: str) -> None:
    """The message names what to correct, and the server that refused."""
    code, error = refusal_of(environment, REFUSED[what](environment))

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert what in error["next"]
    assert "127.0.0.1:" in error["expected"]


@pytest.mark.parametrize("what", MISSING)
def test_a_database_or_bucket_that_is_missing_is_78(environment: ServerEnvironment, what: str) -> None:
    """Nothing is created; the message names the missing thing and the variable."""
    code, error = refusal_of(environment, MISSING[what](environment))

    assert (code, error["kind"]) == (78, "ConfigurationError"), error
    assert "absent" in error["expected"] + error["found"]
    assert what in error["next"]


@pytest.mark.parametrize("what", TLS)
def test_tls_that_is_asked_of_a_plain_port_is_78(environment: ServerEnvironment, what: str) -> None:
    """Another attempt would fail too, and the message does not suggest one."""
    code, error = refusal_of(environment, TLS[what](environment))

    assert (code, error["kind"]) == (78, "ConfigurationError"), error
    assert error["expected"].startswith("a TLS connection to ")
    assert what in error["next"]


@pytest.mark.parametrize("what", UNREACHABLE)
def test_a_server_out_of_reach_is_69(environment: ServerEnvironment, what: str) -> None:
    """The message has the address."""
    wrong = UNREACHABLE[what](environment)
    port = wrong[what].rpartition(":")[2].partition("/")[0]

    code, error = refusal_of(environment, wrong)

    assert (code, error["kind"]) == (69, "Unavailable"), error
    assert port in error["expected"] or what in error["next"]


@pytest.mark.parametrize("service", [Service.CLICKHOUSE, Service.MINIO, Service.POSTGRES])
def test_a_server_that_hangs_is_69_within_thirty_seconds(
    environment: ServerEnvironment, stack: Stack, service: Service
) -> None:
    """
    It accepts the connection and never answers.

    The time is that of the run, without the start of the interpreter, which is long on a busy machine.
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
    ("granted", "code", "part"),
    [
        pytest.param("SELECT ON system.one", 65, "may see", id="neither the table"),
        pytest.param("SELECT ON {0}.*", 77, "S3 ON", id="nor a bucket"),
    ],
)
def test_a_clickhouse_user_must_be_allowed_what_a_run_reads(
    environment: ServerEnvironment, granted: str, code: int, part: str
) -> None:
    """A server hides tables that a user may not read; a user who may not read buckets cannot verify stored files."""
    user = f"limited_{environment.name}"
    with opened(environment.dsn) as client:
        client.command(f"CREATE USER OR REPLACE {user} IDENTIFIED WITH plaintext_password BY '{HUSH}'")
        client.command(f"GRANT {granted.format(environment.database)} TO {user}")
        answer = refusal_of(
            environment, {"OFFLOAD_CLICKHOUSE_DSN": changed(environment.dsn, username=user, password=HUSH)}
        )
        client.command(f"DROP USER {user}")

    assert answer[0] == code, answer
    assert part in answer[1]["found"]


def test_a_first_run_that_is_refused_makes_no_table(stack: Stack) -> None:
    """The last server of a run refuses it: the catalog stays empty."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        refused = run(environment, **REFUSED["OFFLOAD_CLICKHOUSE_DSN"](environment))

        assert refused.returncode == 77, refused.stderr
        assert read_history(environment.cold, missing_ok=True) == ()


def test_after_each_kind_of_error_the_next_run_is_exact(stack: Stack) -> None:
    """Some errors of each kind, then a run without: every row is cold once, and the server's query log has no key."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(ROWS))
        bad = [REFUSED["key"], MISSING["OFFLOAD_WAREHOUSE"], *UNREACHABLE.values()]
        codes = [run(environment, **wrong(environment)).returncode for wrong in bad]
        last = run(environment)

        assert (codes, last.returncode) == ([77, 78, *[69] * len(UNREACHABLE)], 0), last.stderr
        assert_all(*check_invariants(environment, read_hot(environment.hot)))
        assert not [query for query in logged(environment) if stack.minio.secret_key in query]


def logged(environment: ServerEnvironment) -> list[str]:
    """The text and the error of every query in ClickHouse's log that read from a bucket."""
    with opened(environment.dsn) as client:
        client.command("SYSTEM FLUSH LOGS")
        noted = client.query(
            "SELECT concat(query, exception) FROM system.query_log "
            f"WHERE current_database = '{environment.database}' AND query LIKE '%s3(%'"
        )
    assert noted.result_rows, "a run reads from the bucket what it has stored"
    return [text for (text,) in noted.result_rows]
