"""The place of one test among real servers: a ClickHouse database, a bucket, and a Postgres database of its own."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from harness.environments.base import CATALOG, Environment
from harness.readers import clickhouse
from harness.readers.iceberg import ColdTableAddress
from harness.readers.watermarks import with_driver
from harness.trades import tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack.stack import Stack

DDL = Path(__file__).parents[2] / "fixtures" / "clickhouse"
REGION = "us-east-1"
LEASE = "5"  # seconds: a frozen run is taken over soon


@dataclass(frozen=True)
class ServerEnvironment(Environment):
    """
    Where everything of one test is; nothing is shared with another.

    Attributes:
        stack: The servers.
        name: Of the ClickHouse database, of the bucket, and of the Postgres database of catalog and watermarks.
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
        """The ClickHouse database as clickhouse-connect and the offload take it."""
        return self.stack.clickhouse.dsn(self.database)

    @property
    def catalog_uri(self) -> str:
        """The Postgres database, reached without detours."""
        return self.stack.postgres.url(self.name)

    @property
    def store_url(self) -> str:
        """Watermarks lie beside the catalog."""
        return self.catalog_uri

    @property
    def env(self) -> dict[str, str]:
        """The environment of a child; a window ends at the clock, without a buffer, unless a setting says otherwise."""
        minio = self.stack.minio
        return {
            "OFFLOAD_CLICKHOUSE_DSN": self.dsn,
            "OFFLOAD_CATALOG_URI": self.catalog_uri,
            "OFFLOAD_CATALOG_NAME": CATALOG,
            "OFFLOAD_WATERMARKS_URL": self.store_url,
            "OFFLOAD_WAREHOUSE": f"s3://{self.bucket}/warehouse",
            "OFFLOAD_S3_ENDPOINT": minio.outside,
            "OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE": minio.inside,
            "OFFLOAD_S3_ACCESS_KEY": minio.access_key,
            "OFFLOAD_S3_SECRET_KEY": minio.secret_key,
            "OFFLOAD_S3_REGION": REGION,
            "OFFLOAD_BUFFER": "0",
            "OFFLOAD_LEASE": LEASE,
            **self.settings,
        }

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
        where = with_driver(self.catalog_uri), f"s3://{self.bucket}/warehouse"
        return ColdTableAddress(f"cold.{self.table}", *where, CATALOG, properties)

    def insert(self, made: tagged.TaggedTrades) -> None:
        """Insert made-up trades into the hot table; the server makes them."""
        with clickhouse.opened(self.dsn) as client:
            tagged.insert(client, self.table, made)


@contextmanager
def server_environment(
    stack: Stack, table: str = "bronze_trades_binance", **settings: str
) -> Iterator[ServerEnvironment]:
    """
    Make a place, with the hot table in it, and remove it afterwards: every server must be there again by then.

    Args:
        stack: Running servers.
        table: A declared table with DDL in fixtures/clickhouse.
        settings: `lease="2"` is `OFFLOAD_LEASE=2` for every child.
    """
    environment = ServerEnvironment(stack, f"t{uuid.uuid4().hex[:16]}", table=table).with_settings(**settings)
    with ExitStack() as removed:
        buckets = _buckets(stack)
        buckets.create_dir(environment.bucket)
        removed.callback(buckets.delete_dir, environment.bucket)
        _administer(stack, f"CREATE DATABASE {environment.name}")
        # A run that was cut off may still have a session.
        removed.callback(_administer, stack, f"DROP DATABASE {environment.name} WITH (FORCE)")
        _command(stack, f"CREATE DATABASE {environment.database}")
        removed.callback(_command, stack, f"DROP DATABASE {environment.database} SYNC")
        with clickhouse.opened(environment.dsn) as client:
            tagged.create(client, (DDL / f"{table}.sql").read_text())
        yield environment


def _buckets(stack: Stack) -> Any:
    """All buckets, as a file system whose folders they are."""
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
    """Run a statement that no transaction may hold."""
    engine = create_engine(
        with_driver(stack.postgres.url("postgres")), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
