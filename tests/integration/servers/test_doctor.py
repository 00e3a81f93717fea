"""Doctor on real servers: everything as it should be, and what operators get wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.environments.servers import REGION, ServerEnvironment, server_environment
from harness.stack.stack import Stack
from harness.trades.tagged import TaggedTrades
from tests.integration.servers.test_grants import statements, user_of
from tests.integration.servers.test_store_and_bucket_grants import key, role
from tests.support import grants
from tests.support.offload import run_offload
from tests.support.run import published, run
from tests.support.wrong_settings import BUCKET_FOR_CLICKHOUSE, HUSH, REFUSED, UNREACHABLE

IN_HOT = "bronze_trades_binance in ClickHouse"
IN_COLD = "bronze_trades_binance in Iceberg"
SEEN = "warehouse as ClickHouse sees it"
# For each variable whose password is wrong: the check that fails, and those that need it.
NEEDED = {
    "OFFLOAD_CLICKHOUSE_DSN": ("ClickHouse", {"ClickHouse version", "ClickHouse clock", SEEN, IN_HOT, IN_COLD}),
    "OFFLOAD_CATALOG_URI": ("catalog", {IN_COLD}),
    "OFFLOAD_WATERMARKS_URL": ("watermark store", {"watermark store clock"}),
    "key": (
        "warehouse",
        {"warehouse write", "warehouse read", "warehouse list", "warehouse remove", SEEN, IN_COLD},
    ),
}


@pytest.fixture(scope="module")
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table with published rows; no test of this module changes that."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        assert run(environment).returncode == 0
        yield environment


def doctor(environment: ServerEnvironment, **changed: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the checks by name; fail if a secret is shown, or if readers see a change."""
    before = published(environment), environment.runs()
    ended = run_offload(["doctor", environment.table, "--json"], environment, changed=changed)
    servers = environment.stack
    secrets = HUSH, servers.clickhouse.password, servers.postgres.password, servers.minio.secret_key
    assert not [secret for secret in secrets if secret in ended.stdout + ended.stderr], ended
    assert (published(environment), environment.runs()) == before
    return ended.returncode, {check["name"]: check for check in json.loads(ended.stdout)["checks"]}


def verdicts(checks: dict[str, dict[str, Any]], verdict: str) -> set[str]:
    """The names of the checks with this verdict."""
    return {name for name, check in checks.items() if check["verdict"] == verdict}


def probe_files(environment: ServerEnvironment) -> list[str]:
    """The probe files in the bucket."""
    from pyarrow import fs

    minio = environment.stack.minio
    store = fs.S3FileSystem(
        access_key=minio.access_key, secret_key=minio.secret_key, endpoint_override=minio.outside, region=REGION
    )
    found = store.get_file_info(fs.FileSelector(environment.bucket, recursive=True))
    return [info.path for info in found if "probe" in info.path]


def test_servers_as_they_should_be_are_ok(environment: ServerEnvironment) -> None:
    """Every check is made; no file stays in the bucket."""
    code, checks = doctor(environment)

    assert (code, verdicts(checks, "ok")) == (0, set(checks)), checks
    assert "50 rows" in checks[IN_COLD]["found"]
    assert probe_files(environment) == []


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_password_fails_one_check(environment: ServerEnvironment, what: str) -> None:
    """The others are made but for those that need it; the message names what to correct."""
    failed, skipped = NEEDED[what]

    code, checks = doctor(environment, **REFUSED[what](environment))

    assert code == 77, checks
    assert (verdicts(checks, "failed"), verdicts(checks, "skipped")) == ({failed}, skipped), checks
    assert what in checks[failed]["next"]
    assert probe_files(environment) == []


def test_a_bucket_that_clickhouse_cannot_reach_is_found(environment: ServerEnvironment) -> None:
    """The usual slip: the address of the bucket as this host sees it."""
    code, checks = doctor(environment, **UNREACHABLE[BUCKET_FOR_CLICKHOUSE](environment))

    assert (code, verdicts(checks, "failed"), verdicts(checks, "skipped")) == (69, {SEEN}, set()), checks
    assert BUCKET_FOR_CLICKHOUSE in checks[SEEN]["next"]
    assert probe_files(environment) == []


def test_a_folder_is_no_warehouse_for_a_server(environment: ServerEnvironment, tmp_path: Any) -> None:
    """This machine writes and reads it, and ClickHouse cannot."""
    code, checks = doctor(environment, OFFLOAD_WAREHOUSE=str(tmp_path))

    assert code == 78, checks
    assert SEEN in verdicts(checks, "failed")
    assert {"warehouse write", "warehouse read", "warehouse remove"} <= verdicts(checks, "ok")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "failed", "skipped"),
    [("SELECT", IN_HOT, {IN_COLD}), ("S3", SEEN, set()), ("CREATE TEMPORARY TABLE", SEEN, set())],
)
def test_a_missing_grant_is_found(environment: ServerEnvironment, missing: str, failed: str, skipped: set[str]) -> None:
    """Each grant of docs/grants.md by the check that needs it."""
    others = [one for one in statements() if not one.startswith(f"GRANT {missing}")]
    assert len(others) == len(statements()) - 1

    with user_of(environment, *others) as dsn:
        code, checks = doctor(environment, OFFLOAD_CLICKHOUSE_DSN=dsn)

    assert (verdicts(checks, "failed"), verdicts(checks, "skipped")) == ({failed}, skipped), checks
    assert code == (65 if missing == "SELECT" else 77)
    if missing != "SELECT":  # who has no grant on a table does not see that it is there
        assert missing in checks[failed]["next"].partition(" ON *.* TO ")[0]


def test_the_documented_rights_suffice(stack: Stack) -> None:
    """A file that the key may not remove is a warning with its address; nothing else is amiss."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        assert run(environment).returncode == 0
        policy = grants.policy(environment.bucket)
        with (
            user_of(environment) as dsn,
            role(environment, grants.POSTGRES_USER) as user,
            key(environment, policy) as less,
        ):
            code, checks = doctor(environment, OFFLOAD_CLICKHOUSE_DSN=dsn, **user, **less)
        (left,) = probe_files(environment)

    assert (code, verdicts(checks, "warning")) == (0, {"warehouse remove"}), checks
    assert verdicts(checks, "ok") == set(checks) - {"warehouse remove"}
    assert f"s3://{left} stays" in checks["warehouse remove"]["found"]
