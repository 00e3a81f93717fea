"""Makes the adapters from the settings; the only module that imports all adapters."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from typing_extensions import override

from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.server.server_probe import ClickHouseProbe
from offload.clickhouse.source import ClickHouseSource
from offload.engines.local import LocalEngine
from offload.errors import UsageError
from offload.iceberg.catalog import TABLES as CATALOG_TABLES
from offload.iceberg.catalog import CatalogConnection
from offload.iceberg.data_files import IcebergFiles
from offload.iceberg.lake import IcebergLake
from offload.iceberg.rewriter import IcebergRewriter
from offload.io.command_limit import one_command
from offload.io.database import validated_url
from offload.io.database_probe import DatabaseProbe
from offload.io.probe_file import WarehouseProbe
from offload.io.warehouse import Warehouse
from offload.ports.source import Clock
from offload.protocol.adapters import Adapters, Limits, Probes
from offload.settings import Settings
from offload.watermarks.changes import ChangeLog
from offload.watermarks.store import WatermarkStore
from offload.watermarks.tables import METADATA


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
    return WatermarkStore(_store_url(settings), settings.lease, settings.timeout, owner, settings.cluster)


def _store_url(settings: Settings) -> str:
    return validated_url("OFFLOAD_WATERMARKS_URL", settings.watermarks_url.get_secret_value())


class _Connections:
    """
    The adapters of one command, each made at its first use.

    Args:
        settings: Addresses and limits.
        closed: Closes the connections at its end.
    """

    def __init__(self, settings: Settings, closed: ExitStack) -> None:
        self._settings = settings
        self._closed = closed

    @cached_property
    def bucket(self) -> Warehouse:
        return warehouse(self._settings)

    @cached_property
    def client(self) -> ClickHouse:
        chosen = self._settings
        client = ClickHouse(chosen.clickhouse_dsn.get_secret_value(), chosen.timeout, chosen.replica_lag)
        self._closed.callback(client.close)
        return client

    @cached_property
    def files(self) -> StoredFiles:
        return StoredFiles(self.client, self.bucket)

    @cached_property
    def source(self) -> ClickHouseSource:
        return ClickHouseSource(self.client, self._settings.cluster, self.files)

    @cached_property
    def catalog_url(self) -> str:
        return validated_url("OFFLOAD_CATALOG_URI", self._settings.catalog_uri.get_secret_value())

    @cached_property
    def catalog(self) -> CatalogConnection:
        chosen = self._settings
        connection = CatalogConnection(chosen.catalog_name, self.catalog_url, self.bucket, chosen.timeout)
        self._closed.callback(connection.close)
        return connection

    @cached_property
    def cold_files(self) -> IcebergFiles:
        return IcebergFiles(self.catalog, self.bucket)

    @cached_property
    def lake(self) -> IcebergLake:
        return IcebergLake(self.catalog, self.bucket, self.cold_files)

    @cached_property
    def store(self) -> WatermarkStore:
        return watermarks(self._settings)

    @cached_property
    def engine(self) -> LocalEngine:
        if (engine := self._settings.engine) != "local":
            raise UsageError("the engine local", repr(engine), "set OFFLOAD_ENGINE=local, or leave --engine out")
        return LocalEngine(self.bucket, self._settings.workers)

    @cached_property
    def catalog_rights(self) -> DatabaseProbe:
        return DatabaseProbe(
            "OFFLOAD_CATALOG_URI", self.catalog_url, CATALOG_TABLES, self._settings.timeout, extend=False
        )

    @cached_property
    def store_rights(self) -> DatabaseProbe:
        return DatabaseProbe(
            "OFFLOAD_WATERMARKS_URL", _store_url(self._settings), METADATA, self._settings.timeout, extend=True
        )

    @cached_property
    def probe_file(self) -> WarehouseProbe:
        return WarehouseProbe(self.bucket)


@contextmanager
def open_adapters(settings: Settings) -> Iterator[Adapters]:
    """
    Open one adapter per port; each connects at its first use, and all connections are closed at the end.

    Raises:
        UsageError: The engine is not known.
        ConfigurationError: An address cannot be read.
    """
    with ExitStack() as closed:
        made = _Connections(settings, closed)
        engine, lake = made.engine, made.lake
        made.files.check_reachable()
        adapters = Adapters(
            source=made.source,
            lake=lake,
            cold_files=made.cold_files,
            rewriter=IcebergRewriter(made.bucket),
            watermarks=made.store,
            cycles=made.store,
            views=made.store,
            changes=ChangeLog(made.store),
            engine=engine,
            clock=SystemClock(),
            limits=Limits(settings.buffer, settings.batch_rows, settings.batch_time),
        )
        with one_command():
            yield adapters


@contextmanager
def open_probes(settings: Settings) -> Iterator[Probes]:
    """What `doctor` examines; an address that cannot be read is an error of the part that has it."""
    with ExitStack() as closed, one_command():
        made = _Connections(settings, closed)
        yield Probes(
            server=lambda: ClickHouseProbe(made.files),
            source=lambda: made.source,
            catalog=lambda: made.catalog_rights,
            lake=lambda: made.lake,
            store=lambda: made.store_rights,
            watermarks=lambda: made.store,
            file=lambda: made.probe_file,
            engine=lambda: made.engine,
            clock=SystemClock(),
        )
