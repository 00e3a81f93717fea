"""Rows that are delivered twice are published once; without a key no row is dropped."""

from __future__ import annotations

import pytest

from offload.protocol import planning
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

UNMERGED = "SYSTEM STOP MERGES trades"


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
def test_a_redelivered_row_is_published_once_and_counted(stage: Embedded, engine: str) -> None:
    """With and without a Replacing engine: copies that differ in delivery columns only are one row."""
    spec = stage.trades(100, engine=engine)
    stage.sql(UNMERGED)
    stage.sql(
        "INSERT INTO trades SELECT * REPLACE (kafka_offset + 1000 AS kafka_offset) FROM trades "
        "WHERE toUInt64(trade_id) < 30"
    )

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 100, 30), result
    assert stage.cold_ids(spec) == list(range(100))
    assert stage.audit(spec).equal


def test_a_replacing_table_is_read_with_final(stage: Embedded) -> None:
    """Of two rows with one sorting key, the later insert is published, as after a merge."""
    spec = stage.trades(10, engine=REPLACING)
    stage.sql(UNMERGED)
    stage.sql("INSERT INTO trades SELECT * REPLACE (price + 1 AS price) FROM trades WHERE trade_id = '3'")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 10, 1), result
    assert [float(row["price"]) for row in stage.cold(spec).to_pylist() if row["trade_id"] == "3"] == [1.03]


def test_a_key_with_two_contents_is_refused_with_examples(stage: Embedded) -> None:
    """Only a person can say which of two prices is right: exit 65 with the keys, nothing published."""
    spec = stage.trades(10)
    stage.sql("INSERT INTO trades SELECT * REPLACE (price + 1 AS price) FROM trades WHERE trade_id = '3'")

    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
    assert result.error is not None
    assert "XRP/3" in result.error["found"]


def test_a_key_that_occurs_twice_in_a_later_chunk_is_stored_once(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Duplicates are found when half the file is written: the file is written again, and no row is lost or doubled."""
    monkeypatch.setattr(planning, "CHUNK_ROWS", 10)
    spec = stage.trades(100)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE toUInt64(trade_id) >= 60")
    told: list[str] = []

    result = stage.run(spec, workers=1, listeners=[lambda event: told.append(str(event))])

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 100, 40), result
    assert stage.cold_ids(spec) == list(range(100))
    assert told.count("at:file_written") == result.files


def test_without_a_key_nothing_is_dropped(stage: Embedded) -> None:
    """Without a key, equal rows are different rows: cold has as many as hot."""
    stage.sql("CREATE TABLE t (ts DateTime64(6, 'UTC'), n UInt64, price Decimal(18, 8)) ENGINE = MergeTree ORDER BY ts")
    stage.sql(f"INSERT INTO t SELECT {START} + intDiv(number, 10), 1, 2 FROM numbers(100)")
    spec = stage.declared(
        "t", timestamp="ts", sequence="n", key=(), delivery=(), arrival=None, sort=("ts",), unsigned_as_long=()
    )

    result = stage.run(spec)
    found = stage.audit(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 100, 0), result
    assert (found.equal, found.hot_rows, found.cold_rows) == (True, 100, 100)


def test_a_redelivery_with_a_new_timestamp_is_not_doubled(stage: Embedded) -> None:
    """Where the timestamp does not follow the key, the keys of a batch are searched for in cold first."""
    stage.trades(100)
    spec = stage.declared("trades", timestamp_follows_key=False)
    first = stage.run(spec)
    stage.insert_trades("numbers(90, 20)", start=f"{START} + INTERVAL 1 HOUR")

    second = stage.run(spec)

    assert (first.rows, second.exit_code, second.rows) == (100, 0, 10), second
    assert second.duplicates_dropped == 10
    assert stage.cold_ids(spec) == list(range(110))


def test_redeliveries_alone_publish_nothing_and_are_counted(stage: Embedded) -> None:
    """A batch of redeliveries alone has no new row; they are counted (I7: nothing is silent)."""
    stage.trades(100)
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(90, 10)", start=f"{START} + INTERVAL 1 HOUR")

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 0), result
    assert result.duplicates_dropped == 10
    assert stage.cold_ids(spec) == list(range(100))


def test_a_redelivery_with_a_new_timestamp_in_the_same_batch_is_not_doubled(stage: Embedded) -> None:
    """Also where both copies are new, a day apart and so in two partitions and two files."""
    stage.trades(100)
    stage.insert_trades("numbers(50)", start=f"{START} + INTERVAL 1 DAY")
    spec = stage.declared("trades", timestamp_follows_key=False)

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 100, 50), result
    assert stage.cold_ids(spec) == list(range(100))


def test_a_redelivery_with_a_new_timestamp_and_another_content_is_refused(stage: Embedded) -> None:
    """A key that is in cold with another price: exit 65, and cold does not change."""
    stage.trades(100)
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(90, 1)", start=f"{START} + INTERVAL 1 HOUR", price="77")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, stage.published(spec)) == (65, 0, 1), result
    assert result.error is not None
    assert "ETH/90" in result.error["found"]


def test_batches_of_redeliveries_alone_are_counted_once(stage: Embedded) -> None:
    """Each batch whose rows are all in cold already is passed, and no later batch reads it again."""
    stage.trades(30, step="1000000")
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(30)", start=f"{START} + INTERVAL 1 DAY", step="1000000")
    stage.insert_trades("numbers(100, 5)", start=f"{START} + INTERVAL 2 DAY", step="1000000")

    result = stage.run(spec, batch_rows=10)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, 5, 30), result
    assert stage.run(spec).rows == 0
    assert sorted(stage.cold_ids(spec)) == [*range(30), *range(100, 105)]
