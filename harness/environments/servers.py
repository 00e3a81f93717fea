"""The environment of one test on real servers: a ClickHouse database, a bucket and a Postgres database of its own."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from harness.environments.base import CATALOG, Environment
from harness.model import ObjectStore
from harness.readers import clickhouse
from harness.readers.iceberg import ColdTableAddress
from harness.readers.watermarks import with_driver
from harness.trades import tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.stack.stack import Stack

DDL = Path(__file__).parents[2] / "fixtures" / "clickhouse"
REGION = "us-east-1"
LEASE = "5"  # seconds: a frozen run is taken over soon


@dataclass(frozen=True)
class ServerEnvironment(Environment):
    """
    The addresses of one test; no other test has any of them.

    Attributes:
        stack: The servers.
        name: The name of the ClickHouse database, of the bucket and of the Postgres database.
    """

    stack: Stack
    name: str

    @property
    def database(self) -> str:
        """The ClickHouse database."""
        return self.name

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self.name

    @property
    def dsn(self) -> str:
        """The ClickHouse database as clickhouse-connect takes it."""
        return self.stack.clickhouse.dsn(self.database)

    @property
    def catalog_uri(self) -> str:
        """The Postgres database."""
        return self.stack.postgres.url(self.name)

    @property
    def store_url(self) -> str:
        """The watermark store is in the database of the catalog."""
        return self.catalog_uri

    @property
    def warehouse(self) -> str:
        """The folder of the cold tables in the bucket."""
        return f"s3://{self.bucket}/warehouse"

    @property
    def object_store(self) -> ObjectStore:
        """MinIO."""
        minio = self.stack.minio
        return ObjectStore(minio.outside, minio.inside, REGION, minio.access_key, minio.secret_key)

    @property
    def default_settings(self) -> Mapping[str, str]:
        """A window ends now, and another run takes over from a frozen run soon."""
        return {"buffer": "0", "lease": LEASE}

    @property
    def cold(self) -> ColdTableAddress:
        """The cold table."""
        minio = self.stack.minio
        properties = {
            "s3.endpoint": minio.outside,
            "s3.access-key-id": minio.access_key,
            "s3.secret-access-key": minio.secret_key,
            "s3.region": REGION,
        }
        return ColdTableAddress(
            f"cold.{self.table}", with_driver(self.catalog_uri), self.warehouse, CATALOG, properties
        )

    def insert(self, trades: tagged.TaggedTrades) -> None:
        """Insert tagged trades into the hot table; the server generates them."""
        with clickhouse.opened(self.dsn) as client:
            tagged.insert(client, self.table, trades)


@contextmanager
def server_environment(
    stack: Stack, table: str = "bronze_trades_binance", **settings: str
) -> Iterator[ServerEnvironment]:
    """
    Create an environment with its hot table, and remove both at the end; every server must answer by then.

    Args:
        stack: Running servers.
        table: A declared table with DDL in fixtures/clickhouse.
        settings: Settings of the subject, such as `lease="2"`.
    """
    environment = ServerEnvironment(stack, f"t{uuid.uuid4().hex[:16]}", table=table).with_settings(**settings)
    with ExitStack() as removed:
        buckets = _buckets(stack)
        buckets.create_dir(environment.bucket)
        removed.callback(buckets.delete_dir, environment.bucket)
        _administer(stack, f"CREATE DATABASE {environment.name}")
        # A run that was cut off from the server may still have a session.
        removed.callback(_administer, stack, f"DROP DATABASE {environment.name} WITH (FORCE)")
        _command(stack, f"CREATE DATABASE {environment.database}")
        removed.callback(_command, stack, f"DROP DATABASE {environment.database} SYNC")
        with clickhouse.opened(environment.dsn) as client:
            tagged.create(client, (DDL / f"{table}.sql").read_text())
        yield environment


def _buckets(stack: Stack) -> Any:
    """A file system whose top folders are the buckets."""
    from pyarrow import fs

    return fs.S3FileSystem(
        access_key=stack.minio.access_key,
        secret_key=stack.minio.secret_key,
        endpoint_override=stack.minio.outside,
        region=REGION,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )


def _command(stack: Stack, statement: str) -> None:
    with clickhouse.opened(stack.clickhouse.dsn("default")) as client:
        client.command(statement)


def _administer(stack: Stack, statement: str) -> None:
    """Run a statement that cannot be part of a transaction."""
    engine = create_engine(
        with_driver(stack.postgres.url("postgres")), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
