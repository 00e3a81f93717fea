"""Published rows that hot loses are reported once, with what deleted them, and stay in cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.clickhouse.cold_reader import ClickHouseColdReader
from offload.clickhouse.server.deletion_log import ClickHouseDeletionLog
from offload.model.coverage import Counts
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.verifier import Accepted
from offload.results import TableResult
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

OF_TWO_DAYS = "1728000000"  # microseconds between 100 trades of two days
SYNC = "SETTINGS mutations_sync = 2"
TTL = "TTL toDateTime(exchange_timestamp) + INTERVAL 2 DAY"
FIFTH_DAY = "now64(6, 'UTC') - INTERVAL 5 DAY"


def deleted_by(stage: Embedded, spec: TableSpec, statement: str) -> TableResult:
    """The run after a statement."""
    stage.sql(statement)
    return stage.run(spec)


def deleted(*results: TableResult) -> list[tuple[int, int]]:
    """Exit code and deleted rows of each."""
    return [(one.exit_code, one.deleted_rows) for one in results]


WAYS = {
    "a mutation": (f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 7 {SYNC}", 7, "DELETE WHERE"),
    "a lightweight delete": ("DELETE FROM trades WHERE toUInt64(trade_id) < 7", 7, "lightweight DELETE WHERE"),
    "a partition": ("ALTER TABLE trades DROP PARTITION '2024-08-02'", 50, "no row is left"),
    "all rows": ("TRUNCATE TABLE trades", 100, "the table was truncated"),
}


@pytest.mark.parametrize("engine", [PLAIN, REPLACING], ids=["plain", "replacing"])
@pytest.mark.parametrize("way", WAYS)
def test_a_deletion_is_reported_once_and_cold_keeps_the_rows(stage: Embedded, way: str, engine: str) -> None:
    """The run after it counts them and says how they were deleted; the runs after that do not, with new rows or not."""
    statement, rows, said = WAYS[way]
    spec = stage.trades(100, step=OF_TWO_DAYS, engine=engine)
    stage.run(spec)

    first, second = deleted_by(stage, spec, statement), stage.run(spec)
    stage.insert_trades("numbers(1000, 5)", step=OF_TWO_DAYS)
    third = stage.run(spec)

    assert deleted(first, second, third) == [(0, rows), (0, 0), (0, 0)], first
    (warning,) = first.warnings
    assert f"{rows} published rows are gone from trades" in warning
    assert said in warning
    assert "2024-08-0" in warning
    assert (first.status, first.rows, second.warnings, third.warnings) == ("nothing_new", 0, (), ()), (second, third)
    assert stage.cold_ids(spec) == [*range(100), *range(1000, 1005)]


def test_a_deletion_is_reported_by_a_run_that_has_new_rows(stage: Embedded) -> None:
    """It is committed with them: no commit of its own."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 5)")

    first = deleted_by(stage, spec, WAYS["a mutation"][0])
    second = stage.run(spec)

    assert (deleted(first, second), first.rows) == ([(0, 7), (0, 0)], 5), first
    assert stage.published(spec) == 2


def test_a_run_that_fails_leaves_the_deletion_to_the_next(stage: Embedded) -> None:
    """Nothing was committed: it is reported again rather than not at all."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 5)")
    stage.sql(WAYS["a mutation"][0])

    def fail() -> None:
        raise RuntimeError

    first, second = stage.run(spec, listeners=[CallOnce("before:write", fail)]), stage.run(spec)

    assert deleted(first, second, stage.run(spec)) == [(70, 7), (0, 7), (0, 0)], first


def test_a_merge_that_removes_duplicates_deletes_nothing(stage: Embedded) -> None:
    """The raw rows become fewer; every key is there."""
    spec = stage.trades(100, engine=REPLACING)
    stage.sql("SYSTEM STOP MERGES trades")
    stage.sql("INSERT INTO trades SELECT * REPLACE (kafka_offset + 7 AS kafka_offset) FROM trades LIMIT 30")
    first = stage.run(spec)
    stage.insert_trades("numbers(1000, 5)")
    second = stage.run(spec)
    stage.sql("SYSTEM START MERGES trades")

    third = deleted_by(stage, spec, "OPTIMIZE TABLE trades FINAL")

    assert deleted(first, second, third) == [(0, 0)] * 3
    assert (third.warnings, stage.published(spec)) == ((), 2), third


def test_a_merge_of_many_hours_deletes_nothing_and_hides_no_deletion(stage: Embedded) -> None:
    """More hours than are compared one by one: first as one, then each."""
    spec = stage.trades(60, engine=REPLACING, step="3600000000")
    stage.run(spec)
    stage.sql("INSERT INTO trades SELECT * FROM trades")
    first = deleted_by(stage, spec, "SELECT 1")
    second = deleted_by(stage, spec, "OPTIMIZE TABLE trades FINAL")
    stage.sql("INSERT INTO trades SELECT * FROM trades")

    third = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) IN (7, 30, 31) {SYNC}")

    assert deleted(first, second, third, stage.run(spec)) == [(0, 0), (0, 0), (0, 3), (0, 0)], third


def test_rows_that_expire_are_not_deleted(stage: Embedded) -> None:
    """Neither a whole day nor the part of an hour that is past its TTL."""
    spec = stage.trades(engine=f"{PLAIN} {TTL}")
    stage.sql("SYSTEM STOP TTL MERGES trades")
    stage.insert_trades("numbers(100)", start=FIFTH_DAY, step="1")
    for first, seconds in ((200, -30), (300, 900)):
        start = f"now64(6, 'UTC') - INTERVAL 2 DAY + INTERVAL {seconds} SECOND"
        stage.insert_trades(f"numbers({first}, 50)", start=start, step="1")
    stage.insert_trades("numbers(400, 50)", start="now64(6, 'UTC') - INTERVAL 1 HOUR", step="1")
    first = stage.run(spec)
    stage.sql("SYSTEM START TTL MERGES trades")

    second = deleted_by(stage, spec, "OPTIMIZE TABLE trades FINAL")

    assert stage.rows("SELECT count() FROM trades") == [(100,)]
    assert (first.rows, deleted(first, second, stage.run(spec))) == (250, [(0, 0)] * 3), second
    assert second.warnings == ()


TTLS = {
    "by the timestamp": "toDateTime(exchange_timestamp) + INTERVAL 2 DAY",
    "by the arrival": "toDate(arrived_at) + INTERVAL 2 DAY",
    "for some rows": "toDateTime(exchange_timestamp) + INTERVAL 2 DAY DELETE WHERE symbol != 'ADA'",
}


@pytest.mark.parametrize("ttl", TTLS)
def test_of_rows_that_go_together_those_past_their_ttl_are_left_out(stage: Embedded, ttl: str) -> None:
    """In one bucket: the TTL is asked of each row, as cold has it."""
    spec = stage.trades(engine=f"{PLAIN} TTL {TTLS[ttl]}")
    stage.sql("SYSTEM STOP TTL MERGES trades")
    stage.insert_trades("numbers(100)", start="now64(6, 'UTC') - INTERVAL 3 DAY", step="1")
    stage.insert_trades("numbers(200, 40)", start="now64(6, 'UTC') - INTERVAL 1 HOUR", step="1")
    stage.sql(f"ALTER TABLE trades UPDATE arrived_at = exchange_timestamp WHERE 1 {SYNC}")
    stage.run(spec)

    first = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) % 100 < 20 {SYNC}")

    expected = 20 + 5 * (ttl == "for some rows")
    assert deleted(first, stage.run(spec)) == [(0, expected), (0, 0)], first


def test_rows_that_return_are_not_doubled_and_their_next_deletion_is_reported(stage: Embedded) -> None:
    """A partition that is detached, attached and dropped, with a run after each."""
    spec = stage.trades(100, step=OF_TWO_DAYS)
    stage.run(spec)
    partition = "PARTITION '2024-08-02'"

    results = [deleted_by(stage, spec, f"ALTER TABLE trades {act} {partition}") for act in ("DETACH", "ATTACH", "DROP")]

    assert [*deleted(*results), *deleted(stage.run(spec))] == [(0, 50), (0, 0), (0, 50), (0, 0)]
    assert [one.late_rows for one in results] == [0, 0, 0]
    assert stage.cold_ids(spec) == list(range(100))


@pytest.mark.parametrize("beside", [0, 3])
@pytest.mark.parametrize("late", ["sweep", "skip"])
def test_rows_that_are_inserted_again_are_not_doubled(stage: Embedded, late: str, beside: int) -> None:
    """Some rows of an hour go and come back, alone or beside late ones; deleted again they are reported again."""
    stage.trades(100)
    spec = stage.declared("trades", late=late)
    stage.run(spec)
    delete = f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 7 {SYNC}"
    first = deleted_by(stage, spec, delete)
    stage.insert_trades("numbers(7)")
    stage.insert_trades(f"numbers(1000, {beside})", step="1")
    second = stage.run(spec)
    third = deleted_by(stage, spec, delete)

    assert deleted(first, second, third, stage.run(spec)) == [(0, 7), (0, 0), (0, 7), (0, 0)]
    assert second.late_rows == beside
    assert stage.cold_ids(spec) == [*range(100), *(range(1000, 1000 + beside) if late == "sweep" else [])]


@pytest.mark.parametrize("late", ["sweep", "skip"])
def test_deleted_and_late_rows_of_one_hour_are_both_counted(stage: Embedded, late: str) -> None:
    """As many come as go: the number of raw rows is the same."""
    stage.trades(100)
    spec = stage.declared("trades", late=late)
    stage.run(spec)
    stage.insert_trades("numbers(1000, 7)", step="1")

    first = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 7 {SYNC}")
    second = stage.run(spec)

    left = 0 if late == "sweep" else 7
    assert deleted(first, second) == [(0, 7), (0, 0)], first
    assert (first.late_rows, first.swept_rows, second.late_rows) == (7, 7 - left, left)
    assert len(stage.cold_ids(spec)) == 107 - left


def test_without_a_key_deleted_rows_are_counted(stage: Embedded) -> None:
    """Each of several equal rows counts."""
    stage.trades(100)
    stage.insert_trades("numbers(3)")
    spec = stage.declared("trades", key=[], timestamp_follows_key=False)
    stage.run(spec)

    first = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 5 {SYNC}")

    assert deleted(first, stage.run(spec)) == [(0, 8), (0, 0)], first


def test_a_key_that_hot_has_under_another_time_is_not_deleted(stage: Embedded) -> None:
    """Where the timestamp does not follow the key: only the older delivery is gone."""
    stage.trades(100)
    spec = stage.declared("trades", timestamp_follows_key=False)
    stage.run(spec)
    again = "exchange_timestamp + INTERVAL 3 HOUR AS exchange_timestamp"
    stage.sql(f"INSERT INTO trades SELECT * REPLACE ({again}) FROM trades WHERE toUInt64(trade_id) < 7")
    old = f"exchange_timestamp < {START} + INTERVAL 1 HOUR AND toUInt64(trade_id) < 10"

    first = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE {old} {SYNC}")

    assert deleted(first, stage.run(spec)) == [(0, 3), (0, 0)], first


def test_rows_that_hot_lacked_when_cold_was_adopted_are_not_reported(stage: Embedded) -> None:
    """They were gone before; those that are deleted after the adoption are reported, also without a commit between."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.sql(f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 7 {SYNC}")
    stage.adopt(spec, accepted=Accepted(extra=7))

    first = stage.run(spec)
    second = deleted_by(stage, spec, f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 10 {SYNC}")

    assert deleted(first, second, stage.run(spec)) == [(0, 0), (0, 3), (0, 0)], second


def test_an_answer_that_was_lost_deletes_nothing(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that come without a row are asked for once more before anything is reported."""
    spec = stage.trades(100)
    stage.run(spec)
    lost: list[Counts] = [{}]
    original = ClickHouseColdReader.counts

    def counts(reader: ClickHouseColdReader, window: Window, hours_from: int | None) -> Counts:
        return lost.pop() if lost else original(reader, window, hours_from)

    monkeypatch.setattr(ClickHouseColdReader, "counts", counts)

    assert deleted(stage.run(spec), stage.run(spec)) == [(0, 0), (0, 0)]
    assert not lost


def test_rows_that_are_deleted_while_they_are_compared_are_reported_once(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket is compared again by the next run."""
    spec = stage.trades(100)
    stage.run(spec)
    stage.sql(f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 7 {SYNC}")
    original: Callable[..., Any] = ClickHouseColdReader.late
    acts = [f"ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 10 {SYNC}"]

    def late(reader: ClickHouseColdReader, *given: Any) -> Any:
        found = original(reader, *given)
        if acts:
            stage.sql(acts.pop())
        return found

    monkeypatch.setattr(ClickHouseColdReader, "late", late)
    results = [stage.run(spec) for _ in range(3)]

    assert sum(one.deleted_rows for one in results) == 10, results
    assert results[-1].deleted_rows == 0


def test_a_server_that_may_not_be_asked_for_the_reason_is_no_error(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning goes without it, and names the page of the grants."""
    spec = stage.trades(100)
    stage.run(spec)
    monkeypatch.setattr(ClickHouseDeletionLog, "_where", lambda *_: "WHERE no_such_column = 1")

    result = deleted_by(stage, spec, WAYS["a mutation"][0])

    assert deleted(result) == [(0, 7)], result
    assert "ClickHouse does not say how (docs/grants.md)" in result.warnings[0]


def test_audit_goes_on_counting_them_as_extra(stage: Embedded) -> None:
    """The report of the run is once; cold has more than hot for good."""
    spec = stage.trades(100)
    stage.run(spec)
    deleted_by(stage, spec, WAYS["a mutation"][0])

    assert (stage.run(spec).deleted_rows, stage.audit(spec, start="2024-08-01T00:00:00Z").extra) == (0, 7)
