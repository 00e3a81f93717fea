"""Loads of all ten tables on a server: rows that the server generates, and runs measured as whole processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.environments.servers import DDL, ServerEnvironment
from harness.feed.layers import INTERVALS
from harness.readers.clickhouse import opened
from harness.readers.iceberg import read_cold
from harness.subjects.offload_cli import variables
from harness.trades.exchanges import EXCHANGES
from harness.trades.tagged import TTL_DAYS

BRONZE = tuple(f"bronze_trades_{exchange}" for exchange in EXCHANGES)
GOLD = tuple(f"ohlcv_{interval}" for interval in INTERVALS)
TABLES = (*BRONZE, "silver_trades", *GOLD)
REPORT = Path(__file__).parents[2] / "reports" / "loads.json"
_AT = "toDateTime64('2024-03-04 00:00:00', 6, 'UTC') + toIntervalMillisecond({step} * number)"
_PRICE = "toDecimal64(100 + number % 977, 8)"


@dataclass(frozen=True)
class Load:
    """
    One run, beside the figures that it must reach.

    Attributes:
        name: Which load.
        rows: The rows that it moved.
        seconds: Of the whole process.
        allowed_seconds: The figure that it must stay below.
        peak_mb: The largest resident memory of any run so far, in MB.
    """

    name: str
    rows: int
    seconds: float
    allowed_seconds: float
    peak_mb: float


@dataclass
class Loads:
    """The runs of one environment."""

    environment: ServerEnvironment
    done: list[Load] = field(default_factory=list)
    inserted: dict[str, int] = field(default_factory=dict)

    def create(self) -> None:
        """Create the ten tables; nothing fills them but this class."""
        with opened(self.environment.dsn) as client:
            for table in TABLES:
                client.command((DDL / f"{table}.sql").read_text().replace("{ttl_days}", str(TTL_DAYS)))

    def insert(self, table: str, first: int, rows: int) -> None:
        """Insert rows number `first` to `first + rows`."""
        with opened(self.environment.dsn) as client:
            client.command(f"INSERT INTO {table} {_columns(table)} FROM numbers({first}, {rows})")
        self.inserted[table] = self.inserted.get(table, 0) + rows

    def run(self, name: str, expected: int, allowed: float, tables: Sequence[str] = ()) -> Load:
        """Run these tables; check that so many rows were moved, and that cold has all that were ever inserted."""
        words = [sys.executable, "-m", "offload", "run", *tables, "--json"]
        began = time.monotonic()
        child = subprocess.Popen(
            words, env=os.environ | variables(self.environment.addresses), stdout=subprocess.PIPE, text=True
        )
        output = child.communicate(timeout=allowed)[0]
        seconds = time.monotonic() - began
        document: dict[str, Any] = json.loads(output)
        assert child.returncode == 0, document
        moved = sum(table["rows"] for table in document["tables"])
        cold = {table: read_cold(replace(self.environment, table=table).cold).num_rows for table in self.inserted}
        assert (moved, cold) == (expected, self.inserted), document
        self.done.append(Load(name, moved, round(seconds, 2), allowed, round(_peak_mb())))
        return self.done[-1]

    def report(self, path: Path = REPORT) -> None:
        """Add the figures to the report."""
        path.parent.mkdir(exist_ok=True)
        before = json.loads(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(json.dumps(before | {load.name: asdict(load) for load in self.done}, indent=2) + "\n", "utf-8")
        for one in self.done:
            figures = f"{one.rows} rows in {one.seconds} s (allowed {one.allowed_seconds:g}), {one.peak_mb:g} MB"
            sys.stdout.write(f"{one.name}: {figures}\n")


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _columns(table: str) -> str:
    """The columns of a row, from `number`."""
    if table in BRONZE:
        exchange = table.removeprefix("bronze_trades_")
        return (
            "(exchange, symbol, canonical_symbol, trade_id, sequence_number, side, is_buyer_maker, price, quantity, "
            f"quote_volume, exchange_timestamp) SELECT '{exchange}', 'BTCUSDT', 'BTC/USDT', toString(number), number, "
            f"'buy', false, {_PRICE}, toDecimal64(2, 8), toDecimal128(2, 16), {_AT.format(step=7)}"
        )
    if table == "silver_trades":
        return (
            "(message_id, trade_id, exchange, symbol, canonical_symbol, asset_class, currency, price, quantity, "
            "quote_volume, side, timestamp, ingestion_timestamp, source_sequence, platform_sequence, is_valid) "
            "SELECT reinterpretAsUUID(MD5(toString(number))), toString(number), 'binance', 'BTCUSDT', 'BTC/USDT', "
            f"'crypto', 'USDT', {_PRICE}, toDecimal64(2, 8), toDecimal128(2, 16), 'buy', {_AT.format(step=7)}, "
            "now64(3), number, number, true"
        )
    seconds = INTERVALS[table.removeprefix("ohlcv_")]
    at = f"toDateTime('2010-01-01 00:00:00', 'UTC') + intDiv(number, 50) * {seconds}"
    return (
        "(exchange, canonical_symbol, window_start, open_time, close_time, open, high, low, close, volume, "
        f"quote_volume, trade_count, computed_at) SELECT 'binance', concat('C', toString(number % 50), '/USDT'), {at}, "
        f"{at}, {at}, {_PRICE}, {_PRICE}, {_PRICE}, {_PRICE}, toDecimal128(1, 8), toDecimal128(1, 16), "
        "number + 1, now64(6)"
    )
