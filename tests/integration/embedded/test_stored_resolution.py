"""Hot is finer than cold, or was altered while it was read: what is compared is compared as it is stored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.subjects.listeners import CallOnce
from offload.model.table import PartitionField, TableSpec
from tests.support.compaction import replace_files
from tests.support.embedded import Embedded


def nanoseconds(stage: Embedded, key: tuple[str, ...], *, follows: bool, ttl: str = "") -> TableSpec:
    """A table of nanoseconds, of which Iceberg keeps microseconds."""
    stage.sql(f"CREATE TABLE t (ts DateTime64(9, 'UTC'), id UInt32) ENGINE = MergeTree ORDER BY id {ttl}")
    return TableSpec("t", "t", "cold.t", "bronze", "ts", "id", key=key, truncate=("ts",), timestamp_follows_key=follows)


@pytest.mark.parametrize("follows", [True, False])
def test_the_audit_of_nanoseconds_with_a_ttl_begins_at_a_stored_microsecond(stage: Embedded, *, follows: bool) -> None:
    """Cold has the oldest row under an earlier time than hot."""
    spec = nanoseconds(stage, ("id",), follows=follows, ttl="TTL toDateTime(ts) + INTERVAL 3 DAY")
    stage.sql(
        "INSERT INTO t SELECT fromUnixTimestamp64Nano(intDiv(toUnixTimestamp64Nano(now64(9)) - 3600000000000, 1000)"
        " * 1000 + 7 + toInt64(number * 7)), number FROM numbers(50)"
    )

    result, audit = stage.run(spec), stage.audit(spec)

    assert (result.exit_code, result.rows) == (0, 50), result
    assert (audit.equal, audit.hot_rows, audit.cold_rows) == (True, 50, 50), audit


@pytest.mark.parametrize("follows", [True, False])
def test_keys_that_differ_only_in_what_is_cut_are_refused(stage: Embedded, *, follows: bool) -> None:
    """To run again mends nothing: 65."""
    spec = nanoseconds(stage, ("id", "ts"), follows=follows)
    stage.sql("INSERT INTO t SELECT fromUnixTimestamp64Nano(1710000000000000000 + toInt64(number)), 1 FROM numbers(3)")

    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
    assert "differ only in what is cut" in str(result.error)


@pytest.mark.parametrize("transform", ["day", "month"])
def test_partitions_before_1970_are_carried(stage: Embedded, transform: str) -> None:
    """The first of a month before 1970 is no Date of ClickHouse."""
    stage.sql("CREATE TABLE t (ts DateTime64(6, 'UTC'), id UInt32) ENGINE = MergeTree ORDER BY id")
    stage.sql(
        "INSERT INTO t SELECT toDateTime64('1968-02-27 01:00:00', 6, 'UTC') + toIntervalDay(number), number "
        "FROM numbers(900)"
    )
    spec = TableSpec("t", "t", "cold.t", "bronze", "ts", "id", partition=(PartitionField("ts", transform),))

    result, audit = stage.run(spec), stage.audit(spec)

    assert (result.exit_code, result.rows, audit.equal) == (0, 900, True), (result, audit)
    some = (
        stage.iceberg(spec)
        .scan(row_filter="ts >= '1968-03-01T00:00:00+00:00' AND ts < '1968-04-01T00:00:00+00:00'")
        .to_arrow()
    )
    assert some.num_rows == 31


@pytest.mark.parametrize("event", ["after:recover", "after:plan"])
def test_a_column_that_is_altered_while_it_is_read_is_a_moving_source(stage: Embedded, event: str) -> None:
    """The files have the type that PLAN saw: no fault of storage or memory."""
    spec = stage.trades(100)
    altered = CallOnce(event, lambda: stage.sql("ALTER TABLE trades MODIFY COLUMN price Decimal(20, 8)"))

    result = stage.run(spec, listeners=[altered])

    assert altered.happened
    assert (result.exit_code, result.error and result.error["kind"]) == (75, "SourceMoving"), result
    assert "price Decimal(20, 8)" in str(result.error)
    assert stage.published(spec) == 0


def test_rows_before_1970_that_pruning_hides_are_refused(stage: Embedded) -> None:
    """`toDate` has no day before 1970: no condition on the timestamp finds such a row. Not passed over in silence."""
    stage.sql(
        "CREATE TABLE t (ts DateTime64(6, 'UTC'), id UInt32) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY id"
    )
    stage.sql("INSERT INTO t SELECT toDateTime64('1968-02-27 01:00:00', 6, 'UTC'), number FROM numbers(9)")

    result = stage.run(TableSpec("t", "t", "cold.t", "bronze", "ts", "id"))

    assert (result.exit_code, stage.published(TableSpec("t", "t", "cold.t", "bronze", "ts", "id"))) == (65, 0), result
    assert "found 9 rows that ClickHouse leaves out" in f"found {result.error and result.error['found']}"


def lists(stage: Embedded, spec: TableSpec) -> list[Path]:
    """The manifest lists of the current snapshot."""
    return [Path(stage.iceberg(spec).current_snapshot().manifest_list.removeprefix("file://"))]


@pytest.mark.parametrize("event", ["after:plan", "before:publish"])
def test_an_expiry_that_takes_the_files_of_the_loaded_snapshot_is_75(stage: Embedded, event: str) -> None:
    """Another job compacts and expires, files and all: nothing needs to be mended, and the next run is exact."""
    spec = stage.trades(100)
    assert stage.run(spec).exit_code == 0
    stage.insert_trades("numbers(100, 10)", start="toDateTime64('2024-08-05 00:00:00', 6, 'UTC')")
    old = lists(stage, spec)

    def compact_and_expire() -> None:
        replace_files(stage.iceberg(spec))
        old[0].unlink()

    result = stage.run(spec, listeners=[CallOnce(event, compact_and_expire)])
    again = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (75, "Fenced"), result
    assert (again.exit_code, stage.cold_ids(spec)) == (0, list(range(110))), again


def test_a_file_of_the_current_snapshot_that_is_gone_is_65(stage: Embedded, tmp_path: Path) -> None:
    """It was lost: a person must restore it, and then the run goes on."""
    spec = stage.trades(100)
    assert stage.run(spec).exit_code == 0
    stage.insert_trades("numbers(100, 10)", start="toDateTime64('2024-08-05 00:00:00', 6, 'UTC')")
    (lost,) = lists(stage, spec)
    shutil.move(lost, tmp_path / "kept")

    result = stage.run(spec)
    shutil.move(tmp_path / "kept", lost)
    again = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert "restore it from a backup" in str(result.error)
    assert (again.exit_code, again.rows, stage.cold_ids(spec)) == (0, 10, list(range(110))), again
