"""Doctor asks everything that a run needs, finds what is wrong, and leaves nothing behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from harness.environments.embedded_postgres import new_database, running_postgres
from harness.readers.watermarks import with_driver
from offload import api
from offload.commands import doctor as body
from offload.results import HealthCheck, HealthReport
from tests.support.command_line import TRADES
from tests.support.embedded import Embedded
from tests.support.http_servers import Bucket

S3 = {"warehouse": "s3://bucket/warehouse", "s3_access_key": "reader", "s3_secret_key": "a-secret"}
IN_HOT, IN_COLD = "trades in ClickHouse", "trades in Iceberg"


def doctor(stage: Embedded, **settings: Any) -> HealthReport:
    """The report about the stage, with a table of trades declared."""
    tables = stage.folder / "tables"
    (tables / "trades.toml").write_text(TRADES)
    return api.doctor(settings=stage.settings(tables=tables, **settings))


def verdicts(report: HealthReport, *but: str) -> dict[str, str]:
    """The verdict of each check that is not ok, but for these checks."""
    return {check.name: check.verdict for check in report.checks if check.verdict != "ok" and check.name not in but}


def found(report: HealthReport, name: str) -> HealthCheck:
    """One check."""
    (check,) = (check for check in report.checks if check.name == name)
    return check


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_installation_is_ok_and_stays_as_it_is(stage: Embedded) -> None:
    """No database and no table is created, and no file stays."""
    stage.trades(10)

    report = doctor(stage)

    assert (verdicts(report), report.exit_code) == ({}, 0), report
    assert "no table yet" in found(report, IN_COLD).found
    assert list(files(stage.folder)) == ["tables/trades.toml"]


def test_an_installation_in_use_is_ok_and_stays_as_it_is(stage: Embedded) -> None:
    """Databases and warehouse are the same, byte by byte, and the next run is as ever."""
    spec = stage.trades(10)
    stage.run(spec)
    doctor(stage)  # writes the declaration
    before = files(stage.folder)

    report = doctor(stage)

    assert (verdicts(report), report.exit_code) == ({}, 0), report
    assert "10 rows, published up to 2024-08-01" in found(report, IN_COLD).found
    assert files(stage.folder) == before
    assert stage.run(spec).status == "nothing_new"


def test_a_store_of_an_older_version_is_not_altered(stage: Embedded) -> None:
    """The next run adds the columns; doctor proves that it can."""
    stage.run(stage.trades(10))
    with closing(sqlite3.connect(stage.folder / "watermarks.db")) as store:
        store.execute("ALTER TABLE offload_runs DROP COLUMN swept_rows")
        store.commit()
    before = (stage.folder / "watermarks.db").read_bytes()

    report = doctor(stage)

    assert verdicts(report) == {}, report
    assert (stage.folder / "watermarks.db").read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "expected", "code"),
    [
        ({"warehouse": "/nowhere/at/all"}, {body.WAREHOUSE: "failed"}, 78),
        ({"catalog_uri": "sqlite:////nowhere/at/all/catalog.db"}, {body.CATALOG: "failed"}, 78),
        ({"catalog_uri": "oracle://host/x"}, {body.CATALOG: "failed"}, 78),
        ({"watermarks_url": "sqlite:////nowhere/at/all/store.db"}, {body.STORE: "failed"}, 78),
        ({"engine": "steam"}, {body.ENGINE: "failed"}, 64),
        ({"clickhouse_dsn": "ftp://host/x"}, {body.CLICKHOUSE: "failed"}, 78),
    ],
)
def test_what_is_wrong_is_found_and_the_rest_is_checked(
    stage: Embedded, settings: dict[str, str], expected: dict[str, str], code: int
) -> None:
    """One check fails, and only those that need it are skipped."""
    stage.trades(10)

    report = doctor(stage, **settings)

    failed = {name: verdict for name, verdict in verdicts(report).items() if verdict != "skipped"}
    (name,) = expected
    assert (failed, report.exit_code) == (expected, code), report
    assert found(report, name).next
    assert all(f"since {name} failed" in check.found for check in report.checks if check.verdict == "skipped")
    assert sum(check.verdict == "ok" for check in report.checks) >= 9


@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        ("DROP TABLE trades SYNC", IN_HOT, "no table of that name"),
        ("ALTER TABLE trades ADD COLUMN odd JSON", IN_HOT, "odd"),
        ("ALTER TABLE trades ADD COLUMN more Int32", IN_COLD, "more"),
        ("ALTER TABLE trades RENAME COLUMN kafka_offset TO k", IN_HOT, "kafka_offset"),
    ],
)
def test_a_table_that_cannot_be_carried_is_found(stage: Embedded, change: str, check: str, words: str) -> None:
    """With the words that a run would have."""
    spec = stage.trades(10)
    stage.run(spec)
    stage.sql(change)

    report = doctor(stage)

    one = found(report, check)
    assert (one.verdict, report.exit_code) == ("failed", 65), report
    assert words in one.found + one.expected
    assert stage.published(spec) == 1


def test_a_cold_table_that_was_dropped_is_found(stage: Embedded) -> None:
    """The store has its watermark."""
    spec = stage.trades(10)
    stage.run(spec)
    with stage.catalog() as catalog:
        catalog.drop_table(spec.target)

    report = doctor(stage)

    assert (verdicts(report), report.exit_code) == ({IN_COLD: "failed"}, 65), report


def test_a_bucket_is_left_without_the_probe_file(stage: Embedded) -> None:
    """Only the object that stands for the folder stays, which Arrow writes when a file is removed."""
    stage.trades(10)
    bucket = Bucket()

    with bucket.served() as endpoint:
        report = doctor(stage, **S3, s3_endpoint=endpoint)

    assert (verdicts(report), report.exit_code) == ({}, 0), report
    assert set(bucket.objects) <= {"warehouse/"}


@pytest.mark.parametrize(
    ("method", "agent", "expected", "code"),
    [
        ("DELETE", "", {body.REMOVE: "warning"}, 0),
        ("GET", "ClickHouse", {body.SEEN: "failed"}, 77),
    ],
)
def test_a_right_that_the_key_has_not_is_found(
    stage: Embedded, method: str, agent: str, expected: dict[str, str], code: int
) -> None:
    """Each by its own check."""
    stage.trades(10)
    bucket = Bucket(refuse=lambda asked, path, who: asked == method and ".parquet" in path and agent in who)

    with bucket.served() as endpoint:
        report = doctor(stage, **S3, s3_endpoint=endpoint)

    assert (verdicts(report), report.exit_code) == (expected, code), report
    assert found(report, *expected).next


def test_a_key_that_may_not_write_is_found(stage: Embedded) -> None:
    """What needs the file is skipped."""
    stage.trades(10)
    bucket = Bucket(refuse=lambda asked, path, _agent: asked in {"PUT", "POST"} and ".parquet" in path)

    with bucket.served() as endpoint:
        report = doctor(stage, **S3, s3_endpoint=endpoint)

    skipped = dict.fromkeys((body.READ, body.LIST, body.SEEN, body.REMOVE), "skipped")
    assert (verdicts(report), report.exit_code) == ({body.WRITE: "failed", **skipped}, 77), report


def test_another_object_store_for_clickhouse_is_found(stage: Embedded) -> None:
    """It answers, and has no such file."""
    stage.trades(10)

    with Bucket().served() as endpoint, Bucket().served() as other:
        report = doctor(stage, **S3, s3_endpoint=endpoint, s3_endpoint_for_clickhouse=other)

    assert (verdicts(report), report.exit_code) == ({body.SEEN: "failed"}, 78), report
    assert "OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE" in str(found(report, body.SEEN).next)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A server; each test has a database of its own."""
    with running_postgres() as server:
        yield server


def databases(url: str) -> dict[str, Any]:
    """The settings of a catalog and a store in one database."""
    return {"catalog_uri": url, "watermarks_url": url}


def rows(url: str) -> dict[str, Any]:
    """Every table with its columns and rows."""
    engine = create_engine(with_driver(url), poolclass=NullPool)
    with engine.connect() as connection:
        tables = sorted(inspect(connection).get_table_names())
        columns = {table: [one["name"] for one in inspect(connection).get_columns(table)] for table in tables}
        return {
            table: (columns[table], [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))])
            for table in tables
        }


def test_a_postgres_is_left_as_it_is(stage: Embedded, postgres: Any) -> None:
    """Before the first run no table is created; after it each has the rows that it had."""
    spec = stage.trades(10)
    url = new_database(postgres)

    new = doctor(stage, **databases(url))
    empty = rows(url)
    stage.run(spec, **databases(url))
    before = rows(url)
    used = doctor(stage, **databases(url))

    assert (verdicts(new), verdicts(used), empty) == ({}, {}, {}), (new, used)
    assert rows(url) == before
    assert "10 rows" in found(used, IN_COLD).found


@pytest.mark.parametrize(
    ("granted", "code"),
    [
        ("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader", 0),
        ("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO reader", 77),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", 77),
    ],
)
def test_a_role_that_may_not_do_what_a_run_does_is_found(
    stage: Embedded, postgres: Any, granted: str, code: int
) -> None:
    """Nobody has to run first to find out."""
    url = new_database(postgres)
    stage.run(stage.trades(10), **databases(url))
    role = make_url(url).set(username="reader", password="reader-passw0rd")  # noqa: S106  # of this test
    engine = create_engine(with_driver(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as owner:
        owner.execute(text("CREATE ROLE reader LOGIN PASSWORD 'reader-passw0rd'"))
        owner.execute(text(granted))
        try:
            report = doctor(stage, **databases(role.render_as_string(hide_password=False)))
        finally:
            owner.execute(text("DROP OWNED BY reader"))
            owner.execute(text("DROP ROLE reader"))

    failed = {name for name, verdict in verdicts(report).items() if verdict == "failed"}
    assert (failed, report.exit_code) == ({body.CATALOG, body.STORE} if code else set(), code), report
