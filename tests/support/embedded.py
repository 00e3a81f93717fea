"""
The embedded profile inside the test's own process: one chDB folder per module, everything else per test.

chDB lets a process open one folder at a time, and opening it takes half a second: each test gets a database of its
own in the same folder, and a catalog, a warehouse and a watermark store in folders of its own.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import clickhouse_connect
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from offload import api, wiring
from offload.commands.adopt import adopt
from offload.commands.backfill import backfill
from offload.commands.expire_hot import expire_hot
from offload.commands.run import run
from offload.commands.set_watermark import NewWatermark, set_watermark
from offload.model.table import TableSpec
from offload.ports.engine import Listener
from offload.results import TableAudit, TableResult
from offload.settings import Settings

TRADES = """
    symbol LowCardinality(String), trade_id String, sequence_number UInt64, price Decimal(18, 8),
    exchange_timestamp DateTime64(6, 'UTC'), kafka_offset Int64, arrived_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
"""
REPLACING = "ReplacingMergeTree PARTITION BY toDate(exchange_timestamp) ORDER BY (symbol, exchange_timestamp, trade_id)"
PLAIN = "MergeTree PARTITION BY toDate(exchange_timestamp) ORDER BY (symbol, exchange_timestamp, trade_id)"
START = "toDateTime64('2024-08-01 00:00:00', 6, 'UTC')"
TRADE_FIELDS: dict[str, Any] = {
    "timestamp": "exchange_timestamp",
    "sequence": "sequence_number",
    "key": ("symbol", "trade_id"),
    "delivery": ("kafka_offset", "arrived_at"),
    "arrival": "arrived_at",
    "timestamp_follows_key": True,
    "sort": ("symbol", "exchange_timestamp", "sequence_number"),
    "unsigned_as_long": ("sequence_number",),
    "late": "skip",  # late rows stay, to be counted; tests of the sweep say otherwise
}


@dataclass(frozen=True)
class Embedded:
    """
    A hot database and everything that the offload needs.

    Attributes:
        client: clickhouse-connect, in the test's own database.
        database: Its name.
        chdb: The folder that the tests of a module share.
        folder: This test's own: catalog.db, watermarks.db and warehouse.
    """

    client: Any
    database: str
    chdb: Path
    folder: Path

    def settings(self, **changes: Any) -> Settings:
        """Settings without a buffer: a window ends now."""
        given = {
            "clickhouse_dsn": self.dsn,
            "catalog_uri": f"sqlite:///{self.folder}/catalog.db",
            "watermarks_url": f"sqlite:///{self.folder}/watermarks.db",
            "warehouse": str(self.folder / "warehouse"),
            "buffer": 0,
        }
        return Settings(**(given | changes))

    @property
    def dsn(self) -> str:
        """The test's own database."""
        return f"chdb://{self.chdb}?database={self.database}"

    def environment(self, **changes: str) -> dict[str, str]:
        """The same as variables, for the command line."""
        shown = self.settings(tables=str(self.folder / "tables")).model_dump(exclude_none=True)
        plain = {
            name: getattr(value, "get_secret_value", lambda value=value: str(value))() for name, value in shown.items()
        }
        return {f"OFFLOAD_{name.upper()}": value for name, value in (plain | changes).items()}

    def sql(self, query: str) -> None:
        """Run one statement in the test's own database."""
        self.client.command(query)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the hot tier."""
        return list(self.client.query(query).result_rows)

    def trades(self, rows: int = 0, *, engine: str = PLAIN, step: str = "1000") -> TableSpec:
        """Make a table of trades of four symbols, `step` microseconds apart from 2024-08-01 on."""
        self.sql(f"CREATE TABLE trades ({TRADES}) ENGINE = {engine}")
        if rows:
            self.insert_trades(f"numbers({rows})", step=step)
        return self.declared("trades")

    def insert_trades(
        self, source: str, *, step: str = "1000", start: str = START, price: str = "number / 100"
    ) -> None:
        """Insert a trade for each `number` of the source, which is also its id and its sequence."""
        self.sql(
            "INSERT INTO trades (symbol, trade_id, sequence_number, price, exchange_timestamp, kafka_offset) "
            f"SELECT ['ADA', 'BTC', 'ETH', 'XRP'][number % 4 + 1], toString(number), number, {price}, "
            f"fromUnixTimestamp64Micro(toUnixTimestamp64Micro({start}) + toInt64(number * {step})), number "
            f"FROM {source}"
        )

    def declared(self, name: str, **changes: Any) -> TableSpec:
        """A declaration of a table of trades; `changes` are its other fields."""
        fields = {"name": name, "source": name, "target": f"cold.{name}", "layer": "bronze", **TRADE_FIELDS}
        return TableSpec(**(fields | changes))

    def run(
        self,
        spec: TableSpec,
        *,
        until: str | None = None,
        listeners: Sequence[Listener] = (),
        adapters: dict[str, Any] | None = None,
        **settings: Any,
    ) -> TableResult:
        """Run one table; `parts` makes another port out of each named one."""
        with wiring.open_adapters(self.settings(**settings)) as made:
            chosen = replace(made, **{name: make(getattr(made, name)) for name, make in (adapters or {}).items()})
            return run(chosen, spec, uuid.uuid4().hex, until=until, listeners=listeners)

    def backfill(
        self, spec: TableSpec, start: str, end: str, *, listeners: Sequence[Listener] = (), **settings: Any
    ) -> TableResult:
        """Publish what cold lacks in a range."""
        with wiring.open_adapters(self.settings(**settings)) as adapters:
            return backfill(adapters, spec, uuid.uuid4().hex, start, end, listeners)

    def set_watermark(
        self, spec: TableSpec, to: str, *, listeners: Sequence[Listener] = (), **asked: Any
    ) -> dict[str, Any]:
        """Move the watermark; `asked` are the other fields of `NewWatermark`."""
        fields = {"sequence": None, "changed_by": "ann@here", "reason": "a test"} | asked
        with wiring.open_adapters(self.settings()) as adapters:
            return set_watermark(adapters, spec, uuid.uuid4().hex, NewWatermark(to, **fields), listeners)

    def audit(self, spec: TableSpec, **given: Any) -> TableAudit:
        """Compare hot and cold."""
        (found,) = api.audit(spec=spec, **({"settings": self.settings()} | given))
        return found

    def cold(self, spec: TableSpec, columns: Sequence[str] = ("*",)) -> pa.Table:
        """The cold rows as PyIceberg reads them."""
        return self.iceberg(spec).scan(selected_fields=tuple(columns)).to_arrow()

    def cold_ids(self, spec: TableSpec) -> list[int]:
        """The trade ids in cold, sorted."""
        return sorted(map(int, self.cold(spec, ["trade_id"]).column("trade_id").to_pylist()))

    def adopt(self, spec: TableSpec, **given: Any) -> dict[str, Any]:
        """Take over the cold table."""
        with wiring.open_adapters(self.settings()) as adapters:
            return adopt(adapters, spec, uuid.uuid4().hex, **given)

    def expire_hot(self, spec: TableSpec, older_than: float = 0, **given: Any) -> dict[str, Any]:
        """Drop proven partitions."""
        with wiring.open_adapters(self.settings()) as adapters:
            return expire_hot(adapters, spec, uuid.uuid4().hex, older_than, **given)

    def catalog(self) -> closing[SqlCatalog]:
        """The catalog; a context manager."""
        where = {"uri": f"sqlite:///{self.folder}/catalog.db", "warehouse": (self.folder / "warehouse").as_uri()}
        return closing(SqlCatalog("tidemark", **where))

    def iceberg(self, spec: TableSpec) -> Any:
        """The table as PyIceberg loads it."""
        with self.catalog() as catalog:
            return catalog.load_table(spec.target)

    def published(self, spec: TableSpec) -> int:
        """How many snapshots the table has; 0 where there is no table yet."""
        try:
            return len(self.iceberg(spec).metadata.snapshots)
        except Exception as error:  # without a catalog there is no table either
            if "does not exist" in str(error) or "no such table" in str(error):
                return 0
            raise


_NUMBERS = itertools.count(1)


def embedded(chdb: Path, folder: Path) -> Iterator[Embedded]:
    """Make a database of its own for one test, and drop it afterwards."""
    (folder / "warehouse").mkdir()
    (folder / "tables").mkdir()
    name = f"test{next(_NUMBERS)}"
    with closing(clickhouse_connect.get_client(dsn=f"chdb://{chdb}?database=default")) as first:
        first.command(f"CREATE DATABASE {name}")
        with closing(clickhouse_connect.get_client(dsn=f"chdb://{chdb}?database={name}")) as client:
            yield Embedded(client, name, chdb, folder)
        first.command(f"DROP DATABASE {name}")
