from __future__ import annotations

from contextlib import closing
from pathlib import Path

import clickhouse_connect
import pytest

from harness.readers.clickhouse import HotTableAddress, count_hot, read_hot
from harness.readers.values import rows

DDL = """
CREATE TABLE trades (
    `id``` UInt64, side Nullable(Enum8('bu\\'y)' = 1, 'sell' = 2)), sides Array(Enum16('x' = 1)),
    at DateTime('Asia/Tokyo'), exact DateTime64(9, 'UTC'), tag LowCardinality(String),
    trade UUID, price Decimal(18, 8), more Map(String, String)
) ENGINE = ReplacingMergeTree ORDER BY `id```
"""
ROW = (
    "(1, 'bu\\'y)', ['x'], toDateTime(1700000000), toDateTime64('2026-01-01 00:00:00.000000001', 9, 'UTC'), 't',"
    " '11111111-2222-3333-4444-555555555555', 1.00000001, map('k', 'v'))"
)


@pytest.fixture
def hot(tmp_path: Path) -> HotTableAddress:
    """A Replacing table in a chDB folder of its own, with one row twice and another once."""
    dsn = f"chdb://{tmp_path}/hot"
    with closing(clickhouse_connect.get_client(dsn=dsn)) as client:
        client.command(DDL)
        for row in (ROW, ROW, ROW.replace("(1,", "(2,")):
            client.command(f"INSERT INTO trades VALUES {row}")
    return HotTableAddress("default.trades", dsn)


def test_every_value_arrives_exactly(hot: HotTableAddress) -> None:
    """Enumerations by name, UUIDs as text, instants in UTC to the nanosecond, decimals to the last digit."""
    table = read_hot(hot, final=True, where="`id``` = 1")

    (row,) = rows(table, table.column_names)
    assert [repr(value) for value in row] == [
        "1", '"bu\'y)"', "('x',)", "2023-11-14T22:13:20.000000000Z", "2026-01-01T00:00:00.000000001Z", "'t'",
        "'11111111-2222-3333-4444-555555555555'", "Decimal('1.00000001')", "(('k', 'v'),)",
    ]  # fmt: skip


def test_final_merges_the_copies_and_a_plain_read_does_not(hot: HotTableAddress) -> None:
    """Both are wanted: the one to compare, the other to see what was delivered."""
    assert (count_hot(hot), count_hot(hot, final=True)) == (3, 2)
    assert (read_hot(hot, ["tag"]).num_rows, read_hot(hot, ["tag"], final=True).num_rows) == (3, 2)


def test_a_reader_lets_go_of_the_folder(hot: HotTableAddress, tmp_path: Path) -> None:
    """Another folder can be opened in this process afterwards."""
    count_hot(hot)

    with closing(clickhouse_connect.get_client(dsn=f"chdb://{tmp_path}/other")) as client:
        assert client.command("SELECT 1") == 1


def test_reading_shows_no_password() -> None:
    """The data source name stays out of messages."""
    assert "secret" not in repr(HotTableAddress("trades", "http://u:secret@h:8123/d"))
