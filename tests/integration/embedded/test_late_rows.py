"""Rows that arrive at or below the watermark are counted in each run, until cold holds them."""

from __future__ import annotations

import pytest

from offload.clickhouse.cold_reader import ClickHouseColdReader
from tests.support.embedded import REPLACING, START, Embedded

LATE = f"{START} + toIntervalDay(2)"


def test_seven_late_rows_are_seven_with_an_arrival_column(stage: Embedded) -> None:
    """However old they are."""
    spec = stage.trades(100, step="10000000000")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=LATE, step="1")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.exit_code, second.rows, second.late_rows) == (0, 0, 7), second
    assert third.late_rows == 7, "counted until cold holds them, not once"
    assert any("7 late rows" in warning for warning in second.warnings)


def test_seven_late_rows_are_seven_without_an_arrival_column(stage: Embedded) -> None:
    """However old they are."""
    stage.trades(100, step="60000000")
    spec = stage.declared("trades", arrival=None)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=f"{START} - INTERVAL 30 DAY", step="1")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.late_rows, third.late_rows) == (7, 7), second


def test_without_late_rows_none_is_counted(stage: Embedded) -> None:
    """Neither what was published nor what is new counts as late."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(100, 50)")

    results = [stage.run(spec), stage.run(spec)]

    assert [(one.exit_code, one.rows, one.late_rows) for one in results] == [(0, 50, 0), (0, 0, 0)]


def test_a_run_compares_no_keys_where_the_counts_are_those_of_the_published_rows(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit keeps the counts of what it published: so a check costs two queries, however large the table is."""
    spec = stage.trades(100, step="3600000000")
    assert stage.run(spec).rows == 100
    asked: list[object] = []
    monkeypatch.setattr(ClickHouseColdReader, "late", lambda *given: asked.append(given))
    stage.insert_trades("numbers(100, 10)", step="3600000000")

    results = [stage.run(spec), stage.run(spec)]

    assert [(one.exit_code, one.rows) for one in results] == [(0, 10), (0, 0)], results
    assert asked == []


def test_late_and_new_rows_together_are_told_apart(stage: Embedded) -> None:
    """The new ones are published, the late ones counted; a late row at the watermark itself is late."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 3)", start=f"{START} + INTERVAL 99 MILLISECOND", step="0")
    stage.insert_trades("numbers(100, 50)")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows) == (0, 50, 3), result


def test_a_redelivered_row_is_not_late(stage: Embedded) -> None:
    """A copy of a key that cold has is a duplicate, whenever it arrives."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.sql(
        "INSERT INTO trades SELECT * REPLACE (kafka_offset + 1 AS kafka_offset, now64(3) AS arrived_at) "
        "FROM trades LIMIT 20"
    )

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows) == (0, 0, 0), result


def test_a_redelivery_with_a_new_timestamp_is_not_late_afterwards(stage: Embedded) -> None:
    """Cold has its key under a timestamp of days before: the redelivery was left out, and is not late."""
    stage.trades(100)
    stage.sql("ALTER TABLE trades UPDATE arrived_at = exchange_timestamp WHERE 1 SETTINGS mutations_sync = 2")
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(10)", start=f"{START} + INTERVAL 3 DAY")
    stage.insert_trades("numbers(200, 10)", start=f"{START} + INTERVAL 3 DAY")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.rows, second.duplicates_dropped) == (10, 10), second
    assert third.late_rows == 0, third


def test_late_rows_of_a_table_without_a_key_are_counted(stage: Embedded) -> None:
    """The whole row is its own key."""
    stage.trades(100)
    spec = stage.declared("trades", key=(), delivery=("arrived_at",))
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", step="1")

    result = stage.run(spec)

    assert (result.exit_code, result.late_rows) == (0, 7), result


def test_without_a_key_a_late_copy_counts(stage: Embedded) -> None:
    """Without a key, one more copy of a row below the watermark is a late row."""
    stage.trades(10)
    spec = stage.declared("trades", key=[], timestamp_follows_key=False)
    stage.run(spec)
    stage.insert_trades("numbers(3, 1)")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.exit_code, second.late_rows, third.late_rows) == (0, 1, 1), second
    assert stage.audit(spec).missing == 1


def test_late_rows_without_an_arrival_column_stay_counted_while_others_are_published(stage: Embedded) -> None:
    """The look-back does not pass rows that are still late."""
    stage.trades(100, step="1000000")
    spec = stage.declared("trades", arrival=None)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=f"{START} - INTERVAL 1 HOUR", step="1")
    found = []
    for day in (1, 2, 3):
        stage.insert_trades(f"numbers({day * 200}, 10)", start=f"{START} + INTERVAL {day} DAY")
        found.append(stage.run(spec).late_rows)

    assert found == [7, 7, 7]


WAYS = {
    "a partition that was detached": (
        "ALTER TABLE trades DETACH PARTITION '2024-08-01'",
        "ALTER TABLE trades ATTACH PARTITION '2024-08-01'",
    ),
    "a partition that was moved away": (
        "ALTER TABLE trades MOVE PARTITION '2024-08-01' TO TABLE beside",
        "ALTER TABLE trades ATTACH PARTITION '2024-08-01' FROM beside",
    ),
    "rows copied with their stamps": (
        "ALTER TABLE trades MOVE PARTITION '2024-08-01' TO TABLE beside",
        "INSERT INTO trades SELECT * FROM beside",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arrival", ["arrived_at", None])
def test_rows_that_come_back_with_old_stamps_are_late(stage: Embedded, way: str, arrival: str | None) -> None:
    """An hour-old stamp, as after a lag, a restore or a long INSERT, hides no row: each later run counts it."""
    stage.trades(1000, step="172800000")
    stage.sql("ALTER TABLE trades UPDATE arrived_at = now64(3) - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2")
    stage.sql("CREATE TABLE beside AS trades")
    spec = stage.declared("trades", arrival=arrival)
    away, back = WAYS[way]
    stage.sql(away)
    assert stage.run(spec).rows == 500
    stage.sql(back)

    second = stage.run(spec)
    stage.insert_trades("numbers(2000, 10)", step="172800000")
    third = stage.run(spec)

    assert (second.late_rows, third.rows, third.late_rows) == (500, 10, 500), (second, third)


def test_a_late_row_is_not_hidden_by_one_that_was_deleted(stage: Embedded) -> None:
    """The count of the hour is the same; the digest of timestamps and sequences is not."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.sql("ALTER TABLE trades DELETE WHERE trade_id = '50' SETTINGS mutations_sync = 2")
    stage.insert_trades("numbers(1000, 1)", start=f"{START} + INTERVAL 50 MILLISECOND", step="0")

    assert stage.run(spec).late_rows == 1


def test_late_rows_that_hot_loses_are_not_late_any_more(stage: Embedded) -> None:
    """They are gone; the count follows."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 3)", step="1")
    second = stage.run(spec)
    stage.sql("ALTER TABLE trades DELETE WHERE toUInt64(trade_id) >= 1000 SETTINGS mutations_sync = 2")

    assert (second.late_rows, stage.run(spec).late_rows) == (3, 0)


def test_late_rows_of_a_table_without_a_key_are_not_counted_with_their_neighbours(stage: Embedded) -> None:
    """Files of whole hours are read: rows of the same hours that are in other files are not late."""
    stage.trades(100, step="30000000")
    spec = stage.declared("trades", key=[], timestamp_follows_key=False)
    stage.run(spec, until="2024-08-01T00:20:00Z")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=f"{START} + INTERVAL 25 MINUTE", step="1")

    assert stage.run(spec).late_rows == 7


def test_rows_on_the_hour_and_at_midnight_are_counted_once(stage: Embedded) -> None:
    """Without a key whole hours are compared; a row on the hour belongs to one of them."""
    stage.trades(100, step="3600000000")
    spec = stage.declared("trades", key=[], timestamp_follows_key=False)
    stage.run(spec)
    for number, time in enumerate(("00:30:00", "01:00:00", "23:00:00")):
        stage.insert_trades(
            f"numbers({1000 + number}, 1)", start=f"toDateTime64('2024-08-02 {time}', 6, 'UTC')", step="0"
        )
    stage.insert_trades("numbers(1010, 1)", start="toDateTime64('2024-08-03 00:00:00', 6, 'UTC')", step="0")

    result, found = stage.run(spec), stage.audit(spec)

    assert (result.late_rows, found.missing) == (4, 4), result


def test_a_correction_of_a_published_row_is_counted_in_every_run(stage: Embedded) -> None:
    """A Replacing table shows another price for a published key: cold keeps the first, and the run says so."""
    spec = stage.trades(100, engine=REPLACING)
    stage.run(spec)
    stage.sql("INSERT INTO trades SELECT * REPLACE (price + 1 AS price) FROM trades WHERE toUInt64(trade_id) < 3")

    second = stage.run(spec)
    stage.insert_trades("numbers(100, 10)")
    third = stage.run(spec)
    stage.sql("OPTIMIZE TABLE trades FINAL")
    fourth, audit = stage.run(spec), stage.audit(spec)

    counted = [(one.exit_code, one.late_rows, one.changed_rows) for one in (second, third, fourth)]
    assert counted == [(0, 0, 3), (0, 0, 3), (0, 0, 3)], second
    assert any("3 published rows have another content" in warning for warning in second.warnings)
    assert audit.different == 3


def test_a_redelivery_is_no_correction(stage: Embedded) -> None:
    """Only delivery columns differ."""
    spec = stage.trades(100, engine=REPLACING)
    stage.run(spec)
    stage.sql("INSERT INTO trades SELECT * REPLACE (kafka_offset + 7 AS kafka_offset) FROM trades LIMIT 20")

    result = stage.run(spec)

    assert (result.late_rows, result.changed_rows, list(result.warnings)) == (0, 0, []), result


def test_late_rows_over_many_hours_are_counted(stage: Embedded) -> None:
    """More hours than are compared one by one."""
    spec = stage.trades(100, step="3600000000")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 90)", start=f"{START} - INTERVAL 990 HOUR", step="3600000000")

    assert stage.run(spec).late_rows == 90


def test_late_copies_of_one_row_count_each_where_cold_has_no_file(stage: Embedded) -> None:
    """Without a key every row counts, also in hours of which nothing was published."""
    spec = stage.declared("trades", key=[], timestamp_follows_key=False)
    stage.trades(10)
    stage.run(spec)
    for _ in range(3):
        stage.insert_trades("numbers(1000, 1)", start=f"{START} - INTERVAL 9 DAY", step="0")
    stage.sql("ALTER TABLE trades UPDATE arrived_at = '2024-01-01 00:00:00' WHERE 1 SETTINGS mutations_sync = 2")

    assert stage.run(spec).late_rows == stage.audit(spec, start="2024-01-01T00:00:00Z").missing
