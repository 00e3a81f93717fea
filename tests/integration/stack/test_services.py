from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote
from urllib.request import Request, urlopen

import psycopg
import pytest
from pyarrow.fs import S3FileSystem

from harness.feed.topics import publish, topic
from harness.stack import compose
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until


@pytest.fixture
def name() -> str:
    """The name of one test's bucket, database or topic; no other test has it."""
    return f"services{uuid.uuid4().hex}"


def query(stack: Stack, sql: str) -> str:
    """The answer of the stack's ClickHouse, as text."""
    hot = stack.clickhouse
    address = f"http://{hot.host}:{hot.port}/?user={quote(hot.user)}&password={quote(hot.password)}"
    with urlopen(Request(address, data=sql.encode()), timeout=60) as response:
        return str(response.read().decode().strip())


@pytest.mark.parametrize("service", Service)
def test_every_service_answers_a_real_query(stack: Stack, service: Service) -> None:
    """As soon as the fixture has been set up."""
    assert stack.container(service).answers()


@pytest.mark.parametrize("service", Service)
def test_the_images_that_run_are_reported(stack: Stack, service: Service) -> None:
    """A report must not name an official image where a stand-in ran."""
    used = stack.images[service]

    assert used.endswith("(official)") or "(stand-in for" in used
    assert used.startswith(stack.container(service).image)


def test_clickhouse_is_of_the_version_that_the_compose_file_names(stack: Stack) -> None:
    """The stand-in's recipe pins an image by its hash alone, which says nothing of its version."""
    [_, tag] = compose.images()[Service.CLICKHOUSE].split(":")

    assert query(stack, "SELECT version()") == tag.removesuffix("-alpine")


def test_a_wrong_password_is_refused_everywhere(stack: Stack) -> None:
    """Else tests of wrong passwords would prove nothing."""
    wrong = "not the password"

    assert not replace(stack.clickhouse, password=wrong).answers()
    assert not replace(stack.minio, secret_key=wrong).answers()
    assert not replace(stack.postgres, password=wrong).answers()


def test_clickhouse_writes_to_the_bucket_and_this_host_reads_it(stack: Stack, name: str) -> None:
    """The server must see MinIO under its name on the network: it is the one that verifies stored files."""
    minio = stack.minio
    bucket = S3FileSystem(
        access_key=minio.access_key,
        secret_key=minio.secret_key,
        endpoint_override=minio.outside,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    target = f"s3('{minio.inside}/{name}/one.csv', '{minio.access_key}', '{minio.secret_key}', 'CSV')"
    bucket.create_dir(name)
    try:
        query(stack, f"INSERT INTO FUNCTION {target} SELECT 42")
        with bucket.open_input_stream(f"{name}/one.csv") as file:
            content = file.read()
    finally:
        bucket.delete_dir(name)

    assert content == b"42\n"


def test_clickhouse_consumes_what_this_host_produces(stack: Stack, name: str) -> None:
    """Both see the same broker, each by its own address."""
    engine = f"ENGINE = Kafka('{stack.broker.inside}', '{name}', '{name}', 'LineAsString')"
    count = f"SELECT count() FROM {name}.lines"
    with topic(stack.broker.outside, name), database(stack, name):
        publish(stack.broker.outside, name, [b"one", b"two"])
        query(stack, f"CREATE TABLE {name}.queue (line String) {engine}")
        query(stack, f"CREATE TABLE {name}.lines (line String) ENGINE = MergeTree ORDER BY line")
        query(stack, f"CREATE MATERIALIZED VIEW {name}.pump TO {name}.lines AS SELECT line FROM {name}.queue")

        wait_until(lambda: query(stack, count) == "2", lambda: f"expected 2 messages, found {query(stack, count)}", 120)


@contextmanager
def database(stack: Stack, name: str) -> Iterator[None]:
    """Make a database, and remove it however the block ends."""
    query(stack, f"CREATE DATABASE {name}")
    try:
        yield
    finally:
        query(stack, f"DROP DATABASE {name} SYNC")


def test_postgres_takes_as_many_sessions_as_the_tests_open(stack: Stack) -> None:
    """Each run holds several, and tests run side by side."""
    with psycopg.connect(stack.postgres.url(stack.postgres.database)) as session:
        row = session.execute("SHOW max_connections").fetchone()

    assert row == ("300",)
