"""Adopt compares first: a table with other rows, or with future timestamps, is not accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from tests.support.command_line import Offload
from tests.support.embedded import Embedded


@contextmanager
def cold_trades(stage: Embedded) -> Iterator[Table]:
    """The cold table as another job opens it."""
    where = {"uri": f"sqlite:///{stage.folder}/catalog.db", "warehouse": (stage.folder / "warehouse").as_uri()}
    with closing(SqlCatalog("tidemark", **where)) as catalog:
        yield catalog.load_table("cold.trades")


def test_adopting_a_table_with_other_rows_is_refused(stage: Embedded, offload: Offload) -> None:
    """A table whose rows differ from hot's is not changed."""
    stage.trades(10)
    offload("run", "trades")
    stage.sql("DROP TABLE trades SYNC")
    stage.trades()
    stage.insert_trades("numbers(10)", price="number + 1")

    answer = offload("adopt", "trades")

    assert (answer.code, answer.error["kind"]) == (65, "DataError"), answer
    assert "10 different" in answer.error["found"]
    assert offload("watermark", "show", "trades").document["store"]["status"] == "failed"
    assert offload("run", "trades").code == 65


def test_adopting_rows_of_the_future_is_refused(stage: Embedded, offload: Offload) -> None:
    """Equal in both tiers, but with a watermark in 2100 every later row would be late."""
    stage.trades(10)
    offload("run", "trades")
    future = "toDateTime64('2100-01-01 00:00:00', 6, 'UTC') AS exchange_timestamp, '100' AS trade_id"
    stage.sql(f"INSERT INTO trades SELECT * REPLACE ({future}) FROM trades WHERE trade_id = '0'")
    with cold_trades(stage) as table:
        (row,) = table.scan("trade_id == '0'").to_arrow().to_pylist()
        row |= {"exchange_timestamp": dt.datetime(2100, 1, 1, tzinfo=dt.UTC), "trade_id": "100"}
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))

    answer = offload("adopt", "trades")

    assert (answer.code, answer.error["kind"]) == (65, "DataError"), answer
    assert "2100-01-01" in answer.error["found"]
