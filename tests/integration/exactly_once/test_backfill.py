"""A backfill publishes what cold lacks in a range, once; the watermark stays, in the table and in the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.expressions import EqualTo

from harness.subjects.listeners import CallOnce
from offload import wiring
from offload.commands.backfill import count_missing
from offload.errors import DataError, UsageError
from offload.model.table import TableSpec
from offload.ports.verifier import Accepted
from offload.results import TableResult
from tests.integration.embedded.conftest import chdb  # noqa: F401  # the fixture that `stage` needs
from tests.support.embedded import PLAIN, REPLACING, START, TRADES, Embedded, embedded

OF_TWO_DAYS = "172800000"
FIRST, HOUR_1, DAY_1, LAST = "2024-07-01", "2024-08-01T01:00:00", "2024-08-01T23:59:59.999999", "2024-08-02T23:55"


@pytest.fixture
def stage(chdb: Path, tmp_path: Path) -> Iterator[Embedded]:  # noqa: F811  # as pytest injects it
    """A hot database, and folders for everything else."""
    yield from embedded(chdb, tmp_path)


def published(stage: Embedded, *, engine: str = PLAIN, **declared: Any) -> TableSpec:
    """A table of 1,000 rows over two days, published, that skips late rows."""
    stage.trades(1000, engine=engine, step=OF_TWO_DAYS)
    spec = stage.declared("trades", **declared)
    assert stage.run(spec).rows == 1000
    return spec


def late_rows(stage: Embedded, first: int, count: int, *, at: str = "01:00:00", day: int = 1) -> None:
    """So many rows, a minute apart, from a time of the first or the second day on."""
    start = f"toDateTime64('2024-08-0{day} {at}', 6, 'UTC') - toIntervalMinute({first})"
    stage.insert_trades(f"numbers({first}, {count})", start=start, step="60000000")


def marks(stage: Embedded, spec: TableSpec) -> tuple[Any, ...]:
    """The watermark of the token, and that of the store."""
    token = json.loads(stage.iceberg(spec).properties["tidemark.token"])
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        columns = "watermark_ticks, last_offload_timestamp, cold_table_uuid"
        row = store.execute(f"SELECT {columns} FROM offload_watermarks").fetchone()
    return token["watermark_ticks"], *row


def exact(stage: Embedded, spec: TableSpec, ids: list[int]) -> None:
    """Cold has each id once, as hot has it, and a run finds nothing late and nothing new."""
    again, audit = stage.run(spec), stage.audit(spec)
    assert stage.cold_ids(spec) == sorted(ids)
    assert (again.exit_code, again.rows, again.late_rows) == (0, 0, 0), again
    assert audit.equal, audit


def missing(stage: Embedded, spec: TableSpec, start: str, end: str) -> TableResult:
    """What a dry run says."""
    with wiring.open_adapters(stage.settings()) as adapters:
        return count_missing(adapters, spec, start, end)


@pytest.mark.parametrize("late", ["skip", "sweep"])
@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize("follows", [True, False])
def test_rows_that_came_late_arrive_once_and_the_watermark_stays(
    stage: Embedded, engine: str, late: str, *, follows: bool
) -> None:
    """In both days, at the watermark itself, and a month before the first row; a second backfill has nothing to do."""
    spec = published(stage, engine=engine, late=late, timestamp_follows_key=follows)
    before = marks(stage, spec)
    late_rows(stage, 2000, 20)
    late_rows(stage, 2100, 20, day=2)
    stage.insert_trades("numbers(3000, 2)", start=f"{START} + toIntervalMicrosecond(999 * {OF_TWO_DAYS})", step="0")
    stage.insert_trades("numbers(4000, 3)", start=f"{START} - INTERVAL 30 DAY")
    mark = str(before[2])

    first, second = (stage.backfill(spec, FIRST, mark) for _ in range(2))

    assert (first.status, first.rows, first.swept_rows, first.late_rows) == ("published", 45, 45, 45), first
    assert (second.status, second.rows, second.late_rows, list(second.warnings)) == ("nothing_new", 0, 0, []), second
    assert marks(stage, spec) == before
    exact(stage, spec, [*range(1000), *range(2000, 2020), *range(2100, 2120), *range(3000, 3002), *range(4000, 4003)])


def test_rows_outside_the_range_stay_late(stage: Embedded) -> None:
    """Both ends are inclusive; the rest of the hour goes on being counted, and a sweep publishes it."""
    spec = published(stage)
    late_rows(stage, 2000, 20)

    result = stage.backfill(spec, "2024-08-01T01:05", "2024-08-01T01:09")
    skipped = stage.run(spec)

    assert (result.rows, result.late_rows, result.batches) == (5, 5, 1), result
    assert result.window == {"from": "2024-08-01T01:04:59.999999Z", "to": "2024-08-01T01:09:00.000000Z"}
    assert stage.cold_ids(spec) == [*range(1000), *range(2005, 2010)]
    assert (skipped.rows, skipped.late_rows) == (0, 15), skipped
    swept = stage.run(stage.declared("trades", late="sweep"))
    assert (swept.rows, swept.swept_rows) == (15, 15), swept
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


def test_a_range_with_nothing_missing_publishes_nothing(stage: Embedded) -> None:
    """Also where hot has copies of published rows, and a late row outside of it."""
    spec = published(stage)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE toUInt32(trade_id) < 50")
    late_rows(stage, 2000, 1, day=2)
    snapshots = stage.published(spec)

    result = stage.backfill(spec, HOUR_1, DAY_1)

    assert (result.status, result.exit_code, result.rows, result.late_rows) == ("nothing_new", 0, 0, 0), result
    assert stage.published(spec) == snapshots


def test_a_dry_run_counts_what_is_missing_and_writes_nothing(stage: Embedded) -> None:
    """A key under two times counts once; the store has no run of it."""
    spec = published(stage, timestamp_follows_key=False)
    for at in ("01:00:00", "07:00:00"):
        late_rows(stage, 2000, 4, at=at)
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        before = store.execute("SELECT * FROM offload_watermarks").fetchall()

        result = missing(stage, spec, FIRST, LAST)

        assert store.execute("SELECT * FROM offload_watermarks").fetchall() == before
    assert (result.status, result.late_rows, result.rows, result.exit_code) == ("planned", 4, 0, 0), result
    done = stage.backfill(spec, FIRST, LAST)
    assert (done.rows, list(done.warnings), missing(stage, spec, FIRST, LAST).late_rows) == (4, [], 0), done
    assert stage.cold_ids(spec) == [*range(1000), *range(2000, 2004)]


def test_a_long_range_is_published_in_batches_of_bounded_size(stage: Embedded) -> None:
    """Each commit has at most so many raw rows; hours without a missing row are not read."""
    spec = published(stage)
    late_rows(stage, 2000, 360)
    late_rows(stage, 3000, 5, day=2)

    result = stage.backfill(spec, FIRST, LAST, batch_rows=100)

    assert (result.rows, result.batches >= 5) == (365, True), result
    exact(stage, spec, [*range(1000), *range(2000, 2360), *range(3000, 3005)])


def test_a_published_row_that_hot_has_corrected_is_counted_and_stays(stage: Embedded) -> None:
    """Its key is in cold: a backfill replaces nothing."""
    spec = published(stage, engine=REPLACING)
    stage.insert_trades("numbers(4, 1)", step=OF_TWO_DAYS, price="77")
    late_rows(stage, 2000, 3, at="00:05:00")

    result = stage.backfill(spec, FIRST, LAST)

    assert (result.rows, result.changed_rows) == (3, 1), result
    assert any("1 published rows have another content" in warning for warning in result.warnings)
    assert stage.cold_ids(spec) == [*range(1000), *range(2000, 2003)]


def test_rows_that_a_person_accepted_as_missing_are_published_and_accepted_no_more(stage: Embedded) -> None:
    """The command is the person's second word: from then on late rows of that hour are swept again."""
    spec = published(stage, late="sweep")
    stage.iceberg(spec).delete(EqualTo("trade_id", "7"))
    stage.adopt(spec, accepted=Accepted(missing=1))
    late_rows(stage, 2000, 4, at="00:30:00")
    counted = stage.run(spec)

    part = stage.backfill(spec, "2024-08-01T00:30", "2024-08-01T00:31")
    still = stage.run(spec)
    rest = stage.backfill(spec, FIRST, LAST)
    late_rows(stage, 3000, 4, at="00:40:00")
    swept = stage.run(spec)

    assert (counted.rows, counted.late_rows) == (0, 5), counted
    assert (part.rows, still.rows, still.late_rows, rest.rows) == (2, 0, 3, 3), (part, still, rest)
    assert (swept.late_rows, swept.swept_rows) == (4, 4), swept
    exact(stage, spec, [*range(1000), *range(2000, 2004), *range(3000, 3004)])


def test_rows_that_vanish_before_they_are_read_are_counted(stage: Embedded) -> None:
    """With a warning; the others are published."""
    spec = published(stage)
    late_rows(stage, 2000, 20)
    delete = "ALTER TABLE trades DELETE WHERE toUInt32(trade_id) >= 2010 SETTINGS mutations_sync = 2"

    result = stage.backfill(spec, FIRST, LAST, listeners=[CallOnce("before:write", lambda: stage.sql(delete))])

    assert (result.rows, result.late_rows) == (10, 20), result
    assert any("10 late rows were gone" in warning for warning in result.warnings), result.warnings
    exact(stage, spec, [*range(1000), *range(2000, 2010)])


def take_over(stage: Embedded) -> None:
    """Free the lease of a living command, as if it were dead."""
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        store.execute("UPDATE offload_watermarks SET status = 'failed', owner = 'nobody'")


@pytest.mark.parametrize("other", ["run", "backfill"])
def test_a_backfill_is_fenced_by_a_command_that_publishes_first(stage: Embedded, other: str) -> None:
    """Both have found the same rows; they arrive once."""
    spec = published(stage, late="sweep")
    late_rows(stage, 2000, 20)
    others: list[TableResult] = []

    def first() -> None:
        take_over(stage)
        others.append(stage.run(spec) if other == "run" else stage.backfill(spec, FIRST, LAST))

    fenced = stage.backfill(spec, FIRST, LAST, listeners=[CallOnce("before:publish", first)])

    assert [one.swept_rows for one in others] == [20]
    assert (fenced.exit_code, fenced.rows, fenced.error and fenced.error["kind"]) == (75, 0, "Fenced"), fenced
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


def test_a_run_is_fenced_by_a_backfill_that_publishes_first(stage: Embedded) -> None:
    """The run's window was planned before; the next run moves it."""
    spec = published(stage, late="skip")
    late_rows(stage, 2000, 20)
    stage.insert_trades("numbers(5000, 30)", start=f"{START} + INTERVAL 3 DAY")

    def first() -> None:
        take_over(stage)
        assert stage.backfill(spec, FIRST, LAST).rows == 20

    fenced = stage.run(spec, listeners=[CallOnce("before:publish", first)])

    assert (fenced.exit_code, fenced.rows) == (75, 0), fenced
    assert stage.run(spec).rows == 30
    exact(stage, spec, [*range(1000), *range(2000, 2020), *range(5000, 5030)])


@pytest.mark.parametrize("second", ["run", "backfill"])
def test_of_two_at_once_the_second_ends_with_75(stage: Embedded, second: str) -> None:
    """The first has the lease, and goes on."""
    spec = published(stage)
    late_rows(stage, 2000, 20)
    others: list[TableResult] = []

    def start() -> None:
        others.append(stage.run(spec) if second == "run" else stage.backfill(spec, FIRST, LAST))

    first = stage.backfill(spec, FIRST, LAST, listeners=[CallOnce("before:write", start)])

    assert (first.exit_code, first.rows) == (0, 20), first
    assert [(one.exit_code, one.error and one.error["kind"]) for one in others] == [(75, "LeaseHeld")]
    exact(stage, spec, [*range(1000), *range(2000, 2020)])


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        ("2024-08-02", "2024-08-01", "--from before --to"),
        ("2024-08-01T00:00:00.000001", "2024-08-01", "--from before --to"),
        (FIRST, "2024-08-03", "offload run trades"),
        (FIRST, "9999-12-31T23:59:59.999999", "offload run trades"),
    ],
)
def test_a_range_that_is_empty_or_ends_after_the_watermark_is_64(
    stage: Embedded, start: str, end: str, part: str
) -> None:
    """Before the lease is claimed: the table's status stays."""
    spec = published(stage)

    with pytest.raises(UsageError, match=part):
        stage.backfill(spec, start, end)
    with pytest.raises(UsageError, match=part):
        missing(stage, spec, start, end)

    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        assert store.execute("SELECT status, failure_count FROM offload_watermarks").fetchall() == [("success", 0)]


def test_a_range_from_before_every_time_is_one_from_the_first_row(stage: Embedded) -> None:
    """ClickHouse has no time before 1900; and a partition by `toDate` would hide times before 1970 from its queries."""
    spec = published(stage, engine="MergeTree ORDER BY (symbol, exchange_timestamp, trade_id)")
    stage.insert_trades("numbers(2000, 1)", start="toDateTime64('1900-01-02 00:00:00', 6, 'UTC')", step="0")

    assert stage.backfill(spec, "0001-01-01", LAST).rows == 1
    exact(stage, spec, [*range(1000), 2000])


def test_a_table_without_a_key_is_64(stage: Embedded) -> None:
    """Nothing tells which rows cold has; the message says what can be done."""
    spec = published(stage, key=(), timestamp_follows_key=False)

    with pytest.raises(UsageError, match=r"offload audit trades; or declare a key .*offload adopt trades"):
        stage.backfill(spec, FIRST, LAST)


def test_a_table_that_was_never_published_is_65_and_stays_unknown(stage: Embedded) -> None:
    """The message names the run; neither the catalog nor the store has the table afterwards."""
    spec = stage.trades(10)

    for call in (stage.backfill, lambda *given: missing(stage, *given)):
        with pytest.raises(DataError, match=r"nothing was published yet; next: offload run trades"):
            call(spec, FIRST, LAST)

    assert stage.published(spec) == 0
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        assert store.execute("SELECT * FROM offload_watermarks").fetchall() == []


def test_a_table_that_others_changed_is_refused_as_by_a_run(stage: Embedded) -> None:
    """All checks of RECOVER come first."""
    spec = published(stage)
    stage.iceberg(spec).delete(EqualTo("trade_id", "7"))

    refused, planned = stage.backfill(spec, FIRST, LAST), missing(stage, spec, FIRST, LAST)

    for one in (refused, planned):
        assert (one.status, one.exit_code, one.rows) == ("failed", 65, 0), one
        assert one.error is not None
        assert "offload adopt trades" in one.error["next"]


def test_a_table_whose_catalog_was_restored_is_left_to_a_run(stage: Embedded) -> None:
    """A commit below the watermark would replace the evidence of the rows that are to be published again."""
    spec = published(stage)
    backup = (stage.folder / "catalog.db").read_bytes()
    late_rows(stage, 2000, 20)
    stage.insert_trades("numbers(5000, 30)", start=f"{START} + INTERVAL 3 DAY")
    assert stage.run(spec).rows == 30
    (stage.folder / "catalog.db").write_bytes(backup)

    refused = stage.backfill(spec, FIRST, LAST)

    assert (refused.exit_code, refused.error and refused.error["next"]) == (65, "offload run trades"), refused
    assert stage.run(spec).rows == 30
    assert stage.backfill(spec, FIRST, LAST).rows == 20
    exact(stage, spec, [*range(1000), *range(2000, 2020), *range(5000, 5030)])


def test_a_watermark_in_nanoseconds_is_reached_by_the_time_that_is_shown(stage: Embedded) -> None:
    """Times are shown in microseconds: a range includes every tick of its last one."""
    stage.sql(f"CREATE TABLE trades ({TRADES.replace('DateTime64(6', 'DateTime64(9')}) ENGINE = {PLAIN}")
    spec = stage.declared("trades", truncate=("exchange_timestamp",))
    stage.insert_trades("numbers(10)")
    row = "INSERT INTO trades (symbol, trade_id, sequence_number, exchange_timestamp) VALUES ('BTC', '{}', 1, '{}')"
    stage.sql(row.format(900, "2024-08-02 00:00:00.123456789"))
    result = stage.run(spec)
    stage.sql(row.format(901, "2024-08-02 00:00:00.123456700"))
    assert result.watermark is not None

    done = stage.backfill(spec, FIRST, str(result.watermark["timestamp"]))

    assert (done.exit_code, done.rows) == (0, 1), done
    assert stage.cold_ids(spec) == [*range(10), 900, 901]
