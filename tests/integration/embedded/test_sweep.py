"""Late rows are published below the watermark, once, in the same exactly-once way; skipped ones are only counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.clickhouse.cold_reader import ClickHouseColdReader
from offload.model.table import TableSpec
from tests.support.compaction import replace_files
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

OF_TWO_DAYS = "172800000"


def published(stage: Embedded, *, engine: str = PLAIN, **declared: Any) -> TableSpec:
    """A table of 1,000 rows over two days, published, that sweeps."""
    stage.trades(1000, engine=engine, step=OF_TWO_DAYS)
    spec = stage.declared("trades", **({"late": "sweep"} | declared))
    assert stage.run(spec).rows == 1000
    return spec


def late_rows(stage: Embedded, first: int, count: int, *, minutes: int = 1) -> None:
    """So many rows from one o'clock of the first day on, so many minutes apart."""
    start = f"{START} + INTERVAL 1 HOUR - toIntervalMinute({first * minutes})"
    stage.insert_trades(f"numbers({first}, {count})", start=start, step=str(60_000_000 * minutes))


def token(stage: Embedded, spec: TableSpec) -> dict[str, Any]:
    """The token of the last commit."""
    found: dict[str, Any] = json.loads(stage.iceberg(spec).properties["tidemark.token"])
    return found


def exact(stage: Embedded, spec: TableSpec, ids: list[int]) -> None:
    """Cold has each id once, as hot has it, and nothing is late any more."""
    again, audit = stage.run(spec), stage.audit(spec)
    assert stage.cold_ids(spec) == sorted(ids)
    assert (again.exit_code, again.rows, again.late_rows) == (0, 0, 0), again
    assert audit.equal, audit


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize("follows", [True, False])
def test_late_rows_arrive_once_and_the_watermark_stays(stage: Embedded, engine: str, *, follows: bool) -> None:
    """In several hours of two days, at the watermark itself, and before the first row of all."""
    spec = published(stage, engine=engine, timestamp_follows_key=follows)
    before = token(stage, spec)
    late_rows(stage, 2000, 20, minutes=90)
    stage.insert_trades("numbers(3000, 2)", start=f"{START} + toIntervalMicrosecond(999 * {OF_TWO_DAYS})", step="0")
    stage.insert_trades("numbers(4000, 3)", start=f"{START} - INTERVAL 40 DAY")

    result = stage.run(spec)
    after = token(stage, spec)

    assert (result.exit_code, result.rows, result.late_rows, result.swept_rows) == (0, 25, 25, 25), result
    assert (result.duplicates_dropped, list(result.warnings)) == (0, []), result
    assert (after["watermark_ticks"], after["window_from"]) == (before["watermark_ticks"], before["watermark_ticks"])
    exact(stage, spec, [*range(1000), *range(2000, 2020), *range(3000, 3002), *range(4000, 4003)])


def test_late_and_new_rows_arrive_in_one_run(stage: Embedded) -> None:
    """The sweep first, then the window after the watermark."""
    spec = published(stage)
    late_rows(stage, 2000, 5)
    stage.insert_trades("numbers(5000, 30)", start=f"{START} + INTERVAL 3 DAY")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.swept_rows, result.batches) == (0, 35, 5, 2), result
    exact(stage, spec, [*range(1000), *range(2000, 2005), *range(5000, 5030)])


def test_copies_and_corrections_beside_late_rows_are_not_published(stage: Embedded) -> None:
    """Copies of cold rows, copies of late rows, and a cold row that hot has corrected, all in one hour."""
    spec = published(stage, engine=REPLACING)
    late_rows(stage, 2000, 5)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE toUInt32(trade_id) IN (1, 2, 3, 2000, 2001)")
    stage.insert_trades("numbers(4, 1)", step=OF_TWO_DAYS, price="77")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.swept_rows, result.changed_rows) == (0, 5, 5, 1), result
    assert stage.cold_ids(spec) == [*range(1000), *range(2000, 2005)]


def test_a_late_key_under_two_times_arrives_once_and_a_redelivery_not_at_all(stage: Embedded) -> None:
    """Where the timestamp does not follow the key."""
    spec = published(stage, timestamp_follows_key=False)
    for hours in (1, 30):
        stage.insert_trades("numbers(2000, 4)", start=f"{START} + INTERVAL {hours} HOUR", price="5")
    stage.insert_trades("numbers(10, 4)", start=f"{START} + INTERVAL 20 HOUR")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.swept_rows) == (0, 4, 4), result
    assert stage.cold_ids(spec) == [*range(1000), *range(2000, 2004)]
    assert stage.run(spec).rows == 0


def test_a_stalled_exchange_arrives_in_batches_of_bounded_size(stage: Embedded) -> None:
    """Six hours of another source, and a partition that is attached again; each commit has at most so many raw rows."""
    spec = published(stage)
    late_rows(stage, 2000, 360)

    result = stage.run(spec, batch_rows=100)

    assert (result.exit_code, result.rows, result.swept_rows) == (0, 360, 360), result
    assert result.batches >= 4
    exact(stage, spec, [*range(1000), *range(2000, 2360)])


def test_a_table_that_skips_counts_late_rows_and_leaves_them(stage: Embedded) -> None:
    """With a warning in each run; and `swept_at` of the token stays at the last check that found none."""
    spec = published(stage, late="skip")
    swept_at = token(stage, spec)["swept_at"]
    late_rows(stage, 2000, 5)
    stage.insert_trades("numbers(5000, 30)", start=f"{START} + INTERVAL 3 DAY")

    results = [stage.run(spec), stage.run(spec)]

    assert [(one.exit_code, one.rows, one.late_rows, one.swept_rows) for one in results] == [
        (0, 30, 5, 0),
        (0, 0, 5, 0),
    ]
    assert all(any("5 late rows" in warning for warning in one.warnings) for one in results)
    assert token(stage, spec)["swept_at"] == swept_at
    swept = stage.run(stage.declared("trades", late="sweep"))
    assert (swept.rows, token(stage, spec)["late_to"] is None) == (5, False)


def test_a_run_that_ends_before_the_watermark_sweeps_nothing(stage: Embedded) -> None:
    """`--until` moves no row later than that; the late rows are counted, and arrive in the next run."""
    spec = published(stage)
    late_rows(stage, 2000, 20)

    first, second = stage.run(spec, until="2024-08-01T00:30:00Z"), stage.run(spec)

    assert (first.exit_code, first.rows, first.late_rows) == (0, 0, 20), first
    assert any("20 late rows" in warning for warning in first.warnings)
    assert (second.swept_rows, stage.cold_ids(spec)) == (20, [*range(1000), *range(2000, 2020)])


def test_without_a_key_late_rows_are_counted(stage: Embedded) -> None:
    """Nothing tells which of them cold has already."""
    spec = published(stage, key=(), timestamp_follows_key=False)
    late_rows(stage, 2000, 5)

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows, result.swept_rows) == (0, 0, 5, 0), result


MOMENTS = ["before:write", "at:split_started", "at:file_written", "before:verify", "before:publish"]


@pytest.mark.parametrize("event", [*MOMENTS, "at:metadata_written", "after:publish"])
def test_a_sweep_that_fails_anywhere_is_done_by_the_next_run(stage: Embedded, event: str) -> None:
    """Its rows are published whole or not at all."""
    spec = published(stage)
    late_rows(stage, 2000, 20)

    def fail() -> None:
        raise ZeroDivisionError

    failed = stage.run(spec, listeners=[CallOnce(event, fail)])
    grown = len(stage.cold_ids(spec)) - 1000

    assert failed.exit_code in {70, 75}, failed
    assert grown == (20 if event == "after:publish" else 0)
    assert stage.run(spec).exit_code == 0
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


def test_another_run_that_sweeps_first_fences_this_one(stage: Embedded) -> None:
    """Both have found the same late rows; they arrive once."""
    spec = published(stage)
    late_rows(stage, 2000, 20)
    others: list[Any] = []

    def other() -> None:
        stage_row = "UPDATE offload_watermarks SET status = 'failed', owner = 'nobody'"
        import sqlite3

        with sqlite3.connect(stage.folder / "watermarks.db") as store:
            store.execute(stage_row)
        others.append(stage.run(spec))

    fenced = stage.run(spec, listeners=[CallOnce("before:publish", other)])

    assert [one.swept_rows for one in others] == [20]
    assert (fenced.exit_code, fenced.error and fenced.error["kind"]) == (75, "Fenced"), fenced
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


@pytest.mark.parametrize("event", ["before:write", "before:publish"])
def test_a_compaction_during_a_sweep_changes_nothing(stage: Embedded, event: str) -> None:
    """The commit is sent again on top of it, or the run is repeated."""
    spec = published(stage)
    late_rows(stage, 2000, 20)

    result = stage.run(spec, listeners=[CallOnce(event, lambda: replace_files(stage.iceberg(spec)))])

    assert result.exit_code in {0, 75}, result
    assert stage.run(spec).exit_code == 0
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


def test_late_rows_that_are_gone_when_they_are_to_be_read_are_told(stage: Embedded) -> None:
    """And counted as vanished."""
    spec = published(stage)
    late_rows(stage, 2000, 20)
    delete = "ALTER TABLE trades DELETE WHERE toUInt32(trade_id) >= 2010 SETTINGS mutations_sync = 2"

    result = stage.run(spec, listeners=[CallOnce("before:write", lambda: stage.sql(delete))])

    assert (result.exit_code, result.rows, result.late_rows, result.swept_rows) == (0, 10, 20, 10), result
    assert any("10 late rows were gone" in warning for warning in result.warnings), result.warnings
    exact(stage, spec, [*range(1000), *range(2000, 2010)])


def lose_nothing(_stage: Embedded) -> None:
    """Hot still has the late rows."""


def lose_late_rows(stage: Embedded) -> None:
    """Hot has them no more."""
    stage.sql("ALTER TABLE trades DELETE WHERE toUInt32(trade_id) >= 2000 SETTINGS mutations_sync = 2")


@pytest.mark.parametrize(("lose", "code"), [(lose_nothing, 0), (lose_late_rows, 65)])
def test_a_catalog_of_before_the_sweep_is_noticed(stage: Embedded, lose: Callable[[Embedded], None], code: int) -> None:
    """The watermark is the same, the rows are fewer: published again where hot has them, refused where it has not."""
    spec = published(stage)
    shutil.copy(stage.folder / "catalog.db", stage.folder / "backup.db")
    late_rows(stage, 2000, 20)
    assert stage.run(spec).swept_rows == 20
    shutil.copy(stage.folder / "backup.db", stage.folder / "catalog.db")
    lose(stage)

    result = stage.run(spec)

    assert result.exit_code == code, result
    if code:
        assert "20 rows that were published" in str(result.error)
    else:
        assert any("restored from a backup" in warning for warning in result.warnings)
        assert result.swept_rows == 20
        exact(stage, spec, [*range(1000), *range(2000, 2020)])


def test_late_rows_that_were_away_while_they_were_looked_for_are_found_when_they_return(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts of before the comparison explain nothing: the bucket was another one by then."""
    spec = published(stage)
    late_rows(stage, 2000, 20)
    compare = ClickHouseColdReader.late

    def away(*given: Any) -> Any:
        stage.sql("ALTER TABLE trades DETACH PARTITION '2024-08-01'")
        return compare(*given)

    stage.insert_trades("numbers(5000, 3)", start=f"{START} + INTERVAL 3 DAY")  # its commit keeps what was compared
    with monkeypatch.context() as patch:
        patch.setattr(ClickHouseColdReader, "late", away)
        first = stage.run(spec)
    stage.sql("ALTER TABLE trades ATTACH PARTITION '2024-08-01'")
    second = stage.run(spec)

    assert (first.exit_code, first.rows, first.late_rows) == (0, 3, 0), first
    assert (second.exit_code, second.swept_rows) == (0, 20), second
    exact(stage, spec, [*range(1000), *range(2000, 2020), *range(5000, 5003)])
