"""Rows that arrive at or below the watermark are counted in each run, until cold holds them."""

from __future__ import annotations

from tests.support.embedded import START, Embedded

LATE = f"{START} + toIntervalDay(2)"


def test_seven_late_rows_are_seven_by_their_arrival(stage: Embedded) -> None:
    """The arrival column finds them, however old they are."""
    spec = stage.trades(100, step="10000000000")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=LATE, step="1")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.exit_code, second.rows, second.late_rows) == (0, 0, 7), second
    assert third.late_rows == 7, "counted until cold holds them, not once"
    assert any("7 late rows" in warning for warning in second.warnings)


def test_seven_late_rows_are_seven_by_a_look_back(stage: Embedded) -> None:
    """Without an arrival column, rows of two hours before the previous watermark are found."""
    stage.trades(100, step="60000000")
    spec = stage.declared("trades", arrival=None)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=f"{START} + INTERVAL 30 MINUTE", step="1")

    second, third = stage.run(spec), stage.run(spec)

    assert (second.late_rows, third.late_rows) == (7, 7), second


def test_the_look_back_begins_at_the_previous_watermark(stage: Embedded) -> None:
    """Rows that were late for the last run are found after that run moved the watermark by a day."""
    stage.trades(100, step="1000000")
    spec = stage.declared("trades", arrival=None)
    stage.run(spec)
    stage.insert_trades("numbers(100, 10)", start=f"{START} + INTERVAL 1 DAY")
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", start=f"{START} - INTERVAL 1 HOUR", step="1")

    result = stage.run(spec)

    assert result.late_rows == 7, result


def test_without_late_rows_none_is_counted(stage: Embedded) -> None:
    """Neither what was published nor what is new counts as late."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(100, 50)")

    results = [stage.run(spec), stage.run(spec)]

    assert [(one.exit_code, one.rows, one.late_rows) for one in results] == [(0, 50, 0), (0, 0, 0)]


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
