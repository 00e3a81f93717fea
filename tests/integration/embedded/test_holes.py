"""Bugs that no other test would see: each of these goes red for one bug that was planted by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from harness.subjects.listeners import CallOnce
from harness.waiting import wait_until
from offload.iceberg.catalog import ObservedCatalog
from offload.model.table import TableSpec
from offload.model.windows import ticks_of
from tests.support.embedded import START, Embedded

REAL = ObservedCatalog.commit_table


def failing(patch: pytest.MonkeyPatch, nth: int, error: Exception) -> list[Any]:
    """The nth commit of the run does not land; returns the requests that were sent."""
    sent: list[Any] = []

    def commit(catalog: ObservedCatalog, table: Any, *request: Any) -> Any:
        sent.append(request)
        if len(sent) == nth:
            raise error
        return REAL(catalog, table, *request)

    patch.setattr(ObservedCatalog, "commit_table", commit)
    return sent


@pytest.mark.parametrize(
    "error",
    [OperationalError("COMMIT", None, Exception("server closed the connection")), CommitFailedException("conflict")],
    ids=["gone", "conflict"],
)
def test_a_second_batch_that_does_not_land_is_not_taken_for_the_first(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A token is told by its batch and window, not by run and epoch alone."""
    spec = stage.trades(300, step="1000000")

    with monkeypatch.context() as patch:
        failing(patch, 2, error)
        first = stage.run(spec, batch_rows=100)
    published = len(stage.cold_ids(spec))
    stage.run(spec, batch_rows=100)

    assert first.rows == published, first
    assert stage.cold_ids(spec) == list(range(300))


def test_a_request_has_both_requirements(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The UUID of the table and the head of the branch: the fence itself, not what PyIceberg checks besides."""
    spec = stage.trades(100)
    stage.run(spec)
    head, uuid = stage.iceberg(spec).current_snapshot().snapshot_id, stage.iceberg(spec).metadata.table_uuid
    stage.insert_trades("numbers(100, 100)")
    sent = failing(monkeypatch, 99, RuntimeError())

    stage.run(spec)

    (requirements, _), *_ = sent
    assert {type(one) for one in requirements} == {AssertTableUUID, AssertRefSnapshotId}
    assert {getattr(one, "snapshot_id", None) or one.uuid for one in requirements} == {head, uuid}


def test_a_table_made_anew_before_the_first_commit_gets_no_row(stage: Embedded) -> None:
    """Empty, with the same columns, and another UUID."""
    spec = stage.trades(100)

    def recreate() -> None:
        table = stage.iceberg(spec)
        with stage.catalog() as catalog:
            catalog.drop_table(spec.target)
            catalog.create_table(
                spec.target, table.schema(), partition_spec=table.spec(), sort_order=table.sort_order()
            )

    result = stage.run(spec, listeners=[CallOnce("before:publish", recreate)])

    assert (result.exit_code, result.rows, result.error and result.error["kind"]) == (75, 0, "Fenced"), result
    assert stage.cold(spec).num_rows == 0


def test_a_copy_with_rows_and_properties_is_another_table(stage: Embedded) -> None:
    """The number of rows is right; only the table's own UUID tells."""
    spec = stage.trades(100)
    stage.run(spec)
    table = stage.iceberg(spec)
    rows, properties = table.scan().to_arrow(), dict(table.properties)
    with stage.catalog() as catalog:
        catalog.drop_table(spec.target)
        copy = catalog.create_table(
            spec.target,
            table.schema(),
            partition_spec=table.spec(),
            sort_order=table.sort_order(),
            properties=properties,
        )
        copy.append(rows)

    result = stage.run(spec)

    assert (result.exit_code, result.error and "dropped and created again" in result.error["found"]) == (65, True), (
        result
    )


def test_rows_appended_by_hand_are_found_when_our_snapshot_has_expired(stage: Embedded) -> None:
    """By the number of rows, and by the snapshot that is still listed."""
    spec = stage.trades(100)
    stage.run(spec)
    table = stage.iceberg(spec)
    ours = table.current_snapshot().snapshot_id
    table.append(table.scan().to_arrow().slice(0, 5))
    stage.iceberg(spec).maintenance.expire_snapshots().by_id(ours).commit()

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (65, 0), result


@pytest.mark.parametrize("digits", [3, 9])
def test_another_precision_of_the_timestamp_is_refused(stage: Embedded, digits: int) -> None:
    """Both ways: the ticks of the watermark would be other times; the store keeps what it has."""
    stage.sql("CREATE TABLE t (ts DateTime64(6, 'UTC'), seq UInt32) ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number FROM numbers(10)")
    spec = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",), truncate=("ts",))
    stage.run(spec)
    stage.sql(f"ALTER TABLE t MODIFY COLUMN ts DateTime64({digits}, 'UTC') SETTINGS mutations_sync = 2")

    result = stage.run(spec)

    assert (result.exit_code, result.error and "digits" in result.error["found"]) == (65, True), result
    assert result.watermark is None, "the table's watermark is in ticks of another column"
    with create_engine(f"sqlite:///{stage.folder}/watermarks.db").connect() as store:
        kept = store.execute(text("SELECT last_offload_timestamp FROM offload_watermarks")).scalar_one()
    assert kept == "2024-08-01 00:00:09.000000"


def test_a_run_whose_lease_is_gone_publishes_nothing(stage: Embedded) -> None:
    """The epoch in the store is raised after VERIFY; the successor has not published yet, so only the lease tells."""
    spec = stage.trades(100)
    engine = create_engine(f"sqlite:///{stage.folder}/watermarks.db")

    def raise_epoch() -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE offload_watermarks SET epoch = epoch + 1"))
        wait_until(lambda: "heartbeat-trades" not in heartbeats(), lambda: "no heartbeat has found it", 20)

    result = stage.run(spec, listeners=[CallOnce("after:verify", raise_epoch)], lease="1s")
    engine.dispose()

    assert (result.exit_code, result.rows, result.error and result.error["kind"]) == (75, 0, "Fenced"), result


def heartbeats() -> list[str]:
    """Names of the running threads."""
    return [thread.name for thread in threading.enumerate()]


def test_rows_of_a_file_are_sorted_whatever_the_parts_of_hot(stage: Embedded) -> None:
    """Two parts over the same time, and no merge: without ORDER BY the file would have one after the other."""
    spec = stage.declared("trades", sort=("exchange_timestamp", "sequence_number"))
    stage.trades()
    stage.sql("SYSTEM STOP MERGES trades")
    stage.insert_trades("numbers(100)")
    stage.insert_trades("numbers(50, 100)", start=f"{START} - INTERVAL 20 MILLISECOND", price="number")

    result = stage.run(replace(spec, key=(), timestamp_follows_key=False))

    assert result.exit_code == 0, result
    table = stage.iceberg(spec)
    for task in table.scan().plan_files():
        times = pq.read_table(task.file.file_path.removeprefix("file://")).column("exchange_timestamp").to_pylist()
        assert times == sorted(times)


def test_a_timestamp_of_another_zone_is_cut_into_days_of_utc(stage: Embedded) -> None:
    """Partitions and chunks are days of UTC, whatever the column's zone."""
    stage.sql("CREATE TABLE t (ts DateTime64(6, 'America/New_York'), seq UInt32) ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number HOUR, number FROM numbers(100)")
    spec = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",))

    result = stage.run(spec, batch_rows=30)

    assert (result.exit_code, result.rows, stage.audit(spec).equal) == (0, 100, True), result


def test_audit_begins_at_the_first_moment_of_hots_oldest_day(stage: Embedded) -> None:
    """The first trade of the day is gone from hot: cold has one row more."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.sql("ALTER TABLE trades DELETE WHERE trade_id = '0' SETTINGS mutations_sync = 2")

    assert stage.audit(spec).extra == 1


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in New York."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1970-01-02", 86400), ("1970-01-02T00:00:00+01:00", 82800), ("1970-01-02T00:00:00Z", 86400)],
)
def test_a_time_without_a_zone_is_utc(written: str, seconds: int) -> None:
    """Whatever the machine's zone is."""
    assert ticks_of(written, 0) == seconds


def test_a_lost_answer_is_found_below_a_later_commit(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our commit landed, another token was published, then our answer was lost: the rows count."""
    spec = stage.trades(100)
    other: list[Any] = []

    def commit(catalog: ObservedCatalog, table: Any, *request: Any) -> Any:
        landed = REAL(catalog, table, *request)
        if not other:
            other.append(1)
            now = stage.iceberg(spec)
            with now.transaction() as transaction:
                token = now.properties["tidemark.token"].replace('"run_id":"', '"run_id":"successor-')
                transaction.update_snapshot(snapshot_properties={"tidemark.token": token}).fast_append().commit()
                snapshot = str(transaction.table_metadata.current_snapshot_id)
                transaction.set_properties({"tidemark.token": token, "tidemark.snapshot-id": snapshot})
            raise ConnectionResetError("reset")
        return landed

    monkeypatch.setattr(ObservedCatalog, "commit_table", commit)

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 100), result
