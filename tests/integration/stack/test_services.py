from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote
from urllib.request import Request, urlopen

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from pyarrow.fs import S3FileSystem

from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until


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
def test_the_images_really_used_are_told(stack: Stack, service: Service) -> None:
    """A report that named an official image where a stand-in ran would be a lie."""
    used = stack.images[service]

    assert used.endswith("(official)") or "(stand-in for" in used
    assert used.startswith(stack.container(service).image)


def test_a_wrong_password_is_refused_everywhere(stack: Stack) -> None:
    """Else tests of wrong passwords would prove nothing."""
    wrong = "not the password"

    assert not replace(stack.clickhouse, password=wrong).answers()
    assert not replace(stack.minio, secret_key=wrong).answers()
    assert not replace(stack.postgres, password=wrong).answers()


def test_clickhouse_writes_to_the_bucket_and_this_host_reads_it(stack: Stack) -> None:
    """The server must see MinIO under its name on the network: it is the one that verifies stored files."""
    minio = stack.minio
    bucket = S3FileSystem(
        access_key=minio.access_key,
        secret_key=minio.secret_key,
        endpoint_override=minio.outside,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    bucket.create_dir("services")
    target = f"s3('{minio.inside}/services/one.csv', '{minio.access_key}', '{minio.secret_key}', 'CSV')"
    query(stack, f"INSERT INTO FUNCTION {target} SELECT 42")
    with bucket.open_input_stream("services/one.csv") as file:
        content = file.read()
    bucket.delete_dir("services")

    assert content == b"42\n"


def test_clickhouse_consumes_what_this_host_produces(stack: Stack) -> None:
    """Both see the same broker, each by its own address."""
    bootstrap = {"bootstrap.servers": stack.broker.outside}
    admin = AdminClient(bootstrap)
    admin.create_topics([NewTopic("services", 1)])["services"].result(60)
    producer = Producer(bootstrap)
    producer.produce("services", b"one")
    producer.produce("services", b"two")
    producer.flush(60)
    engine = f"ENGINE = Kafka('{stack.broker.inside}', 'services', 'services', 'LineAsString')"
    query(stack, "CREATE DATABASE services")
    query(stack, f"CREATE TABLE services.queue (line String) {engine}")
    query(stack, "CREATE TABLE services.lines (line String) ENGINE = MergeTree ORDER BY line")
    query(stack, "CREATE MATERIALIZED VIEW services.pump TO services.lines AS SELECT line FROM services.queue")
    count = "SELECT count() FROM services.lines"

    wait_until(lambda: query(stack, count) == "2", lambda: f"expected 2 messages, found {query(stack, count)}", 120)
    query(stack, "DROP DATABASE services")


def test_postgres_takes_as_many_sessions_as_the_tests_open(stack: Stack) -> None:
    """Each run holds several, and tests run side by side."""
    with psycopg.connect(stack.postgres.url(stack.postgres.database)) as session:
        row = session.execute("SHOW max_connections").fetchone()

    assert row == ("300",)
