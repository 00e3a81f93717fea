"""Settings -> concrete parts."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from offload.clickhouse.client import ClickHouse
from offload.clickhouse.files import table_function
from offload.clickhouse.source import ClickHouseSource
from offload.clickhouse.verifier import ClickHouseVerifier
from offload.engines.local import LocalEngine
from offload.errors import ConfigurationError, UsageError
from offload.iceberg.lake import IcebergLake
from offload.io.database import validated_url
from offload.io.warehouse import Warehouse
from offload.protocol.adapters import Adapters, Limits
from offload.settings import Settings
from offload.watermarks.store import WatermarkStore


class SystemClock:
    """This machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""
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
    return WatermarkStore(url, settings.lease, settings.timeout, owner)


@contextmanager
def open_adapters(settings: Settings) -> Iterator[Adapters]:
    """
    Everything a run needs; nothing is opened before it is used, and what was opened is closed at the end.

    Raises:
        UsageError: The engine is not known.
        ConfigurationError: An address cannot be read.
    """
    if settings.engine != "local":
        raise UsageError("the engine local", settings.engine, "set OFFLOAD_ENGINE=local or leave --engine out")
    files = warehouse(settings)
    catalog = validated_url("OFFLOAD_CATALOG_URI", settings.catalog_uri.get_secret_value())
    client = ClickHouse(settings.clickhouse_dsn.get_secret_value(), settings.timeout)
    if not client.embedded and not files.remote:
        # A server cannot see this machine's folder, and what it cannot read it cannot verify.
        raise ConfigurationError(
            "a warehouse that the ClickHouse server can reach", settings.warehouse, "set OFFLOAD_WAREHOUSE to s3://…"
        )
    lake = IcebergLake(settings.catalog_name, catalog, files, settings.timeout)
    try:
        yield Adapters(
            source=ClickHouseSource(client, settings.cluster),
            verifier=ClickHouseVerifier(client, partial(table_function, files)),
            lake=lake,
            watermarks=watermarks(settings),
            engine=LocalEngine(files, settings.workers),
            clock=SystemClock(),
            limits=Limits(settings.buffer, settings.batch_rows),
        )
    finally:
        client.close()
        lake.close()
