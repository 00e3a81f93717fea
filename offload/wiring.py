"""Makes the adapters from the settings; the only module that imports all adapters."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from typing_extensions import override

from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.source import ClickHouseSource
from offload.engines.local import LocalEngine
from offload.errors import ConfigurationError, UsageError
from offload.iceberg.catalog import CatalogConnection
from offload.iceberg.data_files import IcebergFiles
from offload.iceberg.lake import IcebergLake
from offload.io.command_limit import one_command
from offload.io.database import validated_url
from offload.io.warehouse import Warehouse
from offload.ports.source import Clock
from offload.protocol.adapters import Adapters, Limits
from offload.settings import Settings
from offload.watermarks.changes import ChangeLog
from offload.watermarks.store import WatermarkStore


class SystemClock(Clock):
    """This machine's clock."""

    @override
    def now(self) -> int:
        return time.time_ns() // 1000


def warehouse(settings: Settings) -> Warehouse:
    """The warehouse."""
    key, secret = settings.s3_access_key, settings.s3_secret_key
    return Warehouse(
        settings.warehouse,
        settings.timeout,
        endpoint=settings.s3_endpoint,
        endpoint_for_clickhouse=settings.s3_endpoint_for_clickhouse,
        access_key=key.get_secret_value() if key else None,
        secret_key=secret.get_secret_value() if secret else None,
        region=settings.s3_region,
    )


def watermarks(settings: Settings) -> WatermarkStore:
    """The watermark store."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    url = validated_url("OFFLOAD_WATERMARKS_URL", settings.watermarks_url.get_secret_value())
    return WatermarkStore(url, settings.lease, settings.timeout, owner, settings.cluster)


@contextmanager
def open_adapters(settings: Settings) -> Iterator[Adapters]:
    """
    Open one adapter per port; each connects at its first use, and all connections are closed at the end.

    Raises:
        UsageError: The engine is not known.
        ConfigurationError: An address cannot be read.
    """
    if settings.engine != "local":
        raise UsageError("the engine local", repr(settings.engine), "set OFFLOAD_ENGINE=local, or leave --engine out")
    bucket = warehouse(settings)
    catalog = validated_url("OFFLOAD_CATALOG_URI", settings.catalog_uri.get_secret_value())
    client = ClickHouse(settings.clickhouse_dsn.get_secret_value(), settings.timeout, settings.replica_lag)
    if not client.embedded and not bucket.remote:
        # A server cannot read a folder of this machine, and VERIFY reads every file.
        raise ConfigurationError(
            "a warehouse that the ClickHouse server can read",
            f"the local folder {settings.warehouse}",
            "set OFFLOAD_WAREHOUSE to s3://bucket/prefix",
        )
    connection = CatalogConnection(settings.catalog_name, catalog, bucket, settings.timeout)
    store = watermarks(settings)
    cold_files = IcebergFiles(connection, bucket)
    adapters = Adapters(
        source=ClickHouseSource(client, settings.cluster, StoredFiles(client, bucket)),
        lake=IcebergLake(connection, bucket, cold_files),
        cold_files=cold_files,
        watermarks=store,
        cycles=store,
        changes=ChangeLog(store),
        engine=LocalEngine(bucket, settings.workers),
        clock=SystemClock(),
        limits=Limits(settings.buffer, settings.batch_rows, settings.batch_time),
    )
    try:
        with one_command():
            yield adapters
    finally:
        client.close()
        connection.close()
