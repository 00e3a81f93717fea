"""
Recorded trades of three exchanges reach Iceberg, each one, across a kill -9.

Both sides are read by code that shares nothing with `offload`: JSON with decimals, and PyIceberg.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from offload.demo import hot
from offload.demo.trades import RecordedTrades
from offload.demo.workspace import Workspace
from tests.support.recorded import EPOCH, EXCHANGES, Trade, folder_of_recordings, messages

RUN = ("run", "bronze_trades_binance", "bronze_trades_kraken", "bronze_trades_coinbase")


class Offloaded(NamedTuple):
    """The folder of recordings, and the workspace with the published rows."""

    recordings: Path
    workspace: Workspace
    loaded: int
    rejected: int


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real recordings where there are any, else a stand-in."""
    return folder_of_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def offloaded(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Offloaded:
    """Nine tenths offloaded; the run of the rest killed with signal 9 during its write, and then offloaded."""
    workspace, trades = Workspace(tmp_path_factory.mktemp("demo") / "workspace"), RecordedTrades(recordings)
    workspace.prepare()
    with hot.opened(workspace.clickhouse_dsn) as client:
        hot.create_tables(client, trades.ttl_days)
        loaded = trades.first(client)
    workspace.offload(*RUN)
    with hot.opened(workspace.clickhouse_dsn) as client:
        loaded += trades.later(client)
    workspace.kill_during_write(*RUN)
    workspace.offload(*RUN)
    return Offloaded(recordings, workspace, loaded, len(trades.rejects))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_iceberg_holds_every_recorded_trade_exactly_once(offloaded: Offloaded, exchange: str) -> None:
    """Trade by trade: id, exact price and quantity, the taker's side, the exchange's time to the microsecond."""
    sent = sorted(messages(offloaded.recordings, exchange))
    held = sorted(cold_rows(offloaded.workspace, exchange))

    assert len(sent) > 0
    assert len(held) == len(sent)
    assert [pair for pair in zip(sent, held, strict=True) if pair[0] != pair[1]][:3] == []


def test_no_recorded_trade_is_rejected_or_left_in_clickhouse(offloaded: Offloaded) -> None:
    """What was loaded is what was recorded, over all exchanges."""
    sent = sum(1 for exchange in EXCHANGES for _ in messages(offloaded.recordings, exchange))

    assert (offloaded.loaded, offloaded.rejected) == (sent, 0)


def test_the_audit_of_recorded_trades_finds_hot_and_cold_equal(offloaded: Offloaded) -> None:
    """The offload's own comparison comes to the same result."""
    tables = offloaded.workspace.offload("audit", *RUN[1:]).document["tables"]

    assert {(table["missing"], table["extra"], table["different"]) for table in tables} == {(0, 0, 0)}
    assert all(table["equal"] for table in tables)


def cold_rows(workspace: Workspace, exchange: str) -> Iterator[Trade]:
    """The rows of an exchange's Iceberg table, as any reader sees them."""
    catalog = SqlCatalog("tidemark", uri=workspace.catalog_uri, warehouse=str(workspace.warehouse))
    rows = catalog.load_table(f"cold.bronze_trades_{exchange}").scan().to_arrow().to_pylist()
    catalog.close()
    for row in rows:
        time = (row["exchange_timestamp"] - EPOCH) // timedelta(microseconds=1)
        numbers, printed = (row["price"], row["quantity"]), dict(row["metadata"])["exchange_time"]
        assert row["exchange"] == exchange
        assert row["quote_volume"] == row["price"] * row["quantity"]
        assert row["is_buyer_maker"] == (row["side"] == "sell")
        assert str(row["sequence_number"]) == row["trade_id"]
        yield Trade(row["symbol"], row["trade_id"], *numbers, row["side"], time, printed)
