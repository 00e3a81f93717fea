"""What the user of a server may not see is refused before any work; what the profile sets does not change the rows."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from harness.environments.servers import ServerEnvironment, server_environment
from harness.readers.clickhouse import HotTableAddress, count_hot, opened
from harness.stack.stack import Stack
from harness.trades.tagged import START, TaggedTrades
from tests.support import grants
from tests.support.offload import run_offload
from tests.support.run import published, refusal_of, run

PASSWORD = "user-passw0rd"  # noqa: S105  # of users that this test makes
ROWS = 400
LATER = TaggedTrades(ROWS, start=START + timedelta(days=2), tag="later-", first_sequence=1000)


def statements() -> list[str]:
    """The statements for ClickHouse of docs/grants.md."""
    return grants.sql(grants.CLICKHOUSE)


def views_of(environment: ServerEnvironment) -> str:
    """The database of the views."""
    return f"{environment.database}_views"


@contextmanager
def user_of(
    environment: ServerEnvironment, *granted: str, settings: str = "", policy: str | None = None
) -> Iterator[str]:
    """A user with these grants; yields the address of the hot database as that user."""
    name = f"u{uuid.uuid4().hex[:12]}"
    words = {"DATABASE": environment.database, "TABLE": environment.table, "USER": name}
    words["VIEWS"] = views_of(environment)
    with opened(environment.stack.clickhouse.dsn("default")) as client, ExitStack() as removed:
        client.command(f"CREATE USER {name} IDENTIFIED WITH plaintext_password BY '{PASSWORD}' {settings}")
        removed.callback(client.command, f"DROP USER {name}")
        for grant in granted or statements():
            client.command(re.sub("DATABASE|TABLE\\b(?!,| ON \\*)|USER|VIEWS", lambda found: words[found[0]], grant))
        if policy:
            at = f"{name} ON {environment.database}.{environment.table}"
            client.command(f"CREATE ROW POLICY {at} USING {policy} TO {name}")
            removed.callback(client.command, f"DROP ROW POLICY {at}")
        yield re.sub(r"//[^@]*@", f"//{name}:{PASSWORD}@", environment.dsn)


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table with published rows, and later ones that are not published yet."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50, tag="early-"))
        assert run(environment).returncode == 0
        environment.insert(LATER)
        yield environment


def test_a_run_needs_no_more_than_the_page_says(stack: Stack) -> None:
    """A user with exactly the grants of docs/grants.md makes the first run of a table, and a second one."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        with user_of(environment) as dsn:
            first = run(environment, OFFLOAD_CLICKHOUSE_DSN=dsn)
            environment.insert(LATER)
            second = run(environment, OFFLOAD_CLICKHOUSE_DSN=dsn)
        assert environment.watermark_row()["last_offload_row_count"] == ROWS

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout


@pytest.mark.parametrize(
    ("block", "words", "missing"),
    [
        (grants.EXPIRE_HOT, ["expire-hot"], "ALTER DELETE"),
        (grants.EXPIRE_HOT, ["expire-hot"], "SELECT ON system.parts"),
        (grants.VIEW, ["view", "--create", "--name", "VIEWS.trades"], "CREATE VIEW"),
    ],
)
def test_a_command_needs_what_the_page_says_of_it_and_no_more(
    environment: ServerEnvironment, block: int, words: list[str], missing: str
) -> None:
    """Without it: 77 with the statement to type, and hot has every row; with it, the command succeeds, twice."""
    verb, *flags = (word.replace("VIEWS", views_of(environment)) for word in words)
    command, more = [verb, environment.table, *flags], grants.sql(block)
    rows = count_hot(HotTableAddress(environment.table, environment.dsn))
    without = [one for one in more if missing not in one]
    with opened(environment.stack.clickhouse.dsn("default")) as client, ExitStack() as removed:
        client.command(f"CREATE DATABASE {views_of(environment)}")
        removed.callback(client.command, f"DROP DATABASE {views_of(environment)} SYNC")
        with user_of(environment, *statements(), *without) as dsn:
            refused = run_offload(command, environment, changed={"OFFLOAD_CLICKHOUSE_DSN": dsn})
            left = count_hot(HotTableAddress(environment.table, environment.dsn))
        with user_of(environment, *statements(), *more) as dsn:
            allowed = [run_offload(command, environment, changed={"OFFLOAD_CLICKHOUSE_DSN": dsn}) for _ in range(2)]

    assert len(without) == len(more) - 1
    assert (refused.returncode, left) == (77, rows), refused.stderr
    assert "GRANT" in refused.stderr
    assert [one.returncode for one in allowed] == [0, 0], allowed


def test_ttl_guard_needs_what_the_page_says(environment: ServerEnvironment, tmp_path: Path) -> None:
    """Without it the run ends with 77 when its rows are published; with it, TTL merges are stopped."""
    declaration = (files("offload.tables") / f"{environment.table}.toml").read_text("utf-8")
    (tmp_path / f"{environment.table}.toml").write_text(f"ttl_guard = true\n{declaration}")
    changed = {"OFFLOAD_TABLES": str(tmp_path)}
    with user_of(environment) as dsn:
        refused = run_offload(["run"], environment, changed=changed | {"OFFLOAD_CLICKHOUSE_DSN": dsn})
    with user_of(environment, *statements(), *grants.sql(grants.TTL_GUARD)) as dsn:
        allowed = run_offload(["run"], environment, changed=changed | {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert refused.returncode == 77, refused.stdout
    assert "SYSTEM TTL MERGES" in refused.stderr
    assert allowed.returncode == 0, allowed.stderr


def test_rows_that_a_policy_hides_are_refused(environment: ServerEnvironment) -> None:
    """Not published without them, as if the table had no more rows."""
    with user_of(environment, policy="trade_id NOT LIKE '%7'") as dsn:
        code, error = refusal_of(environment, {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert "row policy" in error["found"]
    assert "CREATE ROW POLICY" in error["next"]


@pytest.mark.parametrize("analyzer", [0, 1])
def test_a_policy_is_found_by_both_analyzers(environment: ServerEnvironment, analyzer: int) -> None:
    """Their plans have other words."""
    with user_of(environment, settings=f"SETTINGS allow_experimental_analyzer = {analyzer}", policy="price > 1") as dsn:
        code, error = refusal_of(environment, {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert (code, error["kind"]) == (77, "AccessRefused"), error


def test_columns_that_are_not_granted_are_refused(environment: ServerEnvironment) -> None:
    """Not published without them, as if the table had no such column."""
    columns = "symbol, exchange, trade_id, sequence_number, exchange_timestamp, arrived_at"
    some = [one.replace("SELECT ON DATABASE.TABLE", f"SELECT({columns}) ON DATABASE.TABLE") for one in statements()]
    with user_of(environment, *some) as dsn:
        code, error = refusal_of(environment, {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert "GRANT SELECT(" in error["next"]
    assert "price" in error["next"]
    assert environment.table in error["next"]


@pytest.mark.parametrize("missing", ["S3", "CREATE TEMPORARY TABLE"])
def test_a_missing_grant_is_named(environment: ServerEnvironment, missing: str) -> None:
    """The statement to type is in the message."""
    others = [one for one in statements() if f"GRANT {missing}" not in one]
    assert len(others) == len(statements()) - 1
    with user_of(environment, *others) as dsn:
        code, error = refusal_of(environment, {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert (code, error["kind"]) == (77, "AccessRefused"), error
    assert re.match(rf"GRANT .*{missing}.* ON \*\.\* TO u", error["next"]), error


FOR_THE_REASON = [f"GRANT SELECT ON system.{table} TO USER" for table in ("mutations", "part_log")]


@pytest.mark.parametrize("more", [[], FOR_THE_REASON], ids=["without", "with"])
def test_deleted_rows_are_reported_and_how_where_that_is_granted(
    environment: ServerEnvironment, more: Sequence[str]
) -> None:
    """A mutation and a dropped partition are named by a server; without the grants their rows are counted as well."""
    assert run(environment).returncode == 0
    with opened(environment.dsn) as client:
        client.command(
            f"ALTER TABLE {environment.table} DELETE WHERE trade_id LIKE 'later-%7' SETTINGS mutations_sync = 2"
        )
        client.command(f"ALTER TABLE {environment.table} DROP PARTITION '{START:%Y-%m-%d}'")
    with opened(environment.stack.clickhouse.dsn("default")) as client:
        client.command("SYSTEM FLUSH LOGS")
    with user_of(environment, *statements(), *more) as dsn:
        ended, again = (run(environment, OFFLOAD_CLICKHOUSE_DSN=dsn) for _ in range(2))

    (first,), (second,) = (json.loads(one.stdout)["tables"] for one in (ended, again))
    assert (ended.returncode, first["deleted_rows"], second["deleted_rows"]) == (0, 50 + ROWS // 10, 0), first
    (warning,) = first["warnings"]
    assert ("DELETE WHERE" in warning, "dropped or truncated" in warning) == (bool(more), bool(more)), warning


PROFILES = {
    "the old analyzer": "allow_experimental_analyzer = 0",
    "deleted rows shown": "apply_deleted_mask = 0",
    "FINAL everywhere": "final = 1",
    "reading that breaks off": "max_rows_to_read = 100, read_overflow_mode = 'break'",
    "groups that break off": "max_rows_to_group_by = 1, group_by_overflow_mode = 'any'",
    "sets that break off": "max_rows_in_set = 5, set_overflow_mode = 'break'",
    "null for nothing": "aggregate_functions_null_for_empty = 1",
    "a primary key by force": "force_primary_key = 1",
    "readonly = 2": "readonly = 2",
}
# Limits that the queries exceed: they break nothing off, and only a person can raise them.
LIMITED = {"reading that breaks off", "groups that break off"}


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_of_a_profile_lose_no_row(environment: ServerEnvironment, profile: str) -> None:
    """Every row that is not deleted is published; or the message says which limit is too low."""
    with opened(environment.dsn) as client:
        client.command(f"DELETE FROM {environment.table} WHERE trade_id LIKE 'later-%399'")
        left = client.query(f"SELECT count() FROM {environment.table}").result_rows[0][0] - 50
    with user_of(environment, settings=f"SETTINGS {PROFILES[profile]}") as dsn:
        ended = run(environment, OFFLOAD_CLICKHOUSE_DSN=dsn)

    if profile in LIMITED:
        assert (ended.returncode, "raise the limit" in ended.stdout) == (78, True), ended.stdout
        assert run(environment).returncode == 0
    else:
        assert ended.returncode == 0, ended.stdout
    assert left == ROWS - 1
    assert len(published(environment)[0]) == 2
    assert environment.watermark_row()["last_offload_row_count"] == left


REFUSED = {
    "limit = 100": "limit, offset",
    "offset = 10": "limit, offset",
    "use_query_cache = 1": "raise the limit",
    "output_format_native_encode_types_in_binary_format = 1": "limit, offset",
    "readonly = 1": "readonly = 0 or 2",
    "max_rows_to_read = 1": "raise the limit",
    "max_result_rows = 1": "raise the limit",
    "max_columns_to_read = 2": "raise the limit",
    "max_query_size = 262144 READONLY": "max_query_size",
    "skip_unavailable_shards = 1 READONLY": "skip_unavailable_shards",
}


@pytest.mark.parametrize("profile", REFUSED)
def test_a_profile_that_forbids_the_queries_is_no_bug(environment: ServerEnvironment, profile: str) -> None:
    """77 or 78, with the words of ClickHouse and what to change; never 70, and never 69."""
    with user_of(environment, settings=f"SETTINGS {profile}") as dsn:
        code, error = refusal_of(environment, {"OFFLOAD_CLICKHOUSE_DSN": dsn})

    assert code in {77, 78}, error
    assert REFUSED[profile] in error["next"], error
