"""An operator moves the watermark: no row is lost without `--force`, none is doubled, and the log has every change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.errors import DataError, Fenced, LeaseHeld, UsageError
from offload.model.table import TableSpec
from offload.results import TableResult
from tests.integration.embedded.conftest import chdb  # noqa: F401  # the fixture that `stage` needs
from tests.support.embedded import PLAIN, REPLACING, START, Embedded, embedded

LAST, LATER, NOON = "2024-08-01T23:59:00.000000Z", "2024-08-02T12:00:00.000000Z", "2024-08-01T12:00:00.000000Z"


@pytest.fixture
def stage(chdb: Path, tmp_path: Path) -> Iterator[Embedded]:  # noqa: F811  # as pytest injects it
    """A hot database, and folders for everything else."""
    yield from embedded(chdb, tmp_path)


def published(stage: Embedded, *, engine: str = PLAIN, **declared: Any) -> TableSpec:
    """A table with a row for each minute of a day, published."""
    stage.trades(1440, engine=engine, step="60000000")
    spec = stage.declared("trades", **declared)
    assert stage.run(spec).rows == 1440
    return spec


def newer_rows(stage: Embedded, first: int, count: int) -> None:
    """So many rows of the second day, a minute apart."""
    stage.insert_trades(
        f"numbers({first}, {count})", start=f"{START} + toIntervalMinute({1440 - first})", step="60000000"
    )


def token(stage: Embedded, spec: TableSpec) -> dict[str, Any]:
    """The token of the last commit."""
    found: dict[str, Any] = json.loads(stage.iceberg(spec).properties["tidemark.token"])
    return found


def exact(stage: Embedded, spec: TableSpec, ids: list[int]) -> None:
    """Two runs later cold has each id once, as hot has it."""
    for _ in range(2):
        assert stage.run(spec).exit_code == 0
    assert stage.cold_ids(spec) == sorted(ids)
    assert stage.run(spec).rows == 0


@pytest.mark.parametrize("late", ["skip", "sweep"])
def test_the_store_follows_the_table_and_the_next_run_begins_there(stage: Embedded, late: str) -> None:
    """Forwards, where hot has no row in between; no row is added."""
    spec = published(stage, late=late)

    shown = stage.set_watermark(spec, LATER, sequence=77)
    newer_rows(stage, 3000, 1440)
    result = stage.run(spec, until="2024-08-02T23:00:00Z")

    assert shown["agree"] is True
    assert shown["cold"]["watermark"] == {"timestamp": LATER, "sequence": 77}
    assert (shown["store"]["last_offload_timestamp"], shown["store"]["status"]) == (LATER, "success"), shown
    assert result.window is not None
    assert (result.exit_code, result.window["from"]) == (0, LATER), result
    assert (result.rows, result.swept_rows) == ((1381, 721) if late == "sweep" else (660, 0)), result


def test_rows_that_the_next_run_sweeps_are_not_lost(stage: Embedded) -> None:
    """The change says how many become late; they arrive once."""
    spec = published(stage, late="sweep")
    newer_rows(stage, 3000, 30)

    shown = stage.set_watermark(spec, LATER)
    result = stage.run(spec)

    assert shown["changes"][0]["late_rows"] == 30, shown
    assert (result.rows, result.swept_rows) == (30, 30), result
    exact(stage, spec, [*range(1440), *range(3000, 3030)])


@pytest.mark.parametrize(
    "declared", [{"late": "skip"}, {"late": "sweep", "key": (), "timestamp_follows_key": False}], ids=["skip", "no key"]
)
def test_rows_that_would_stay_out_are_counted_and_need_force(stage: Embedded, declared: dict[str, Any]) -> None:
    """Without it the watermark stays, and a run moves them; with it they are late, and a backfill publishes them."""
    spec = published(stage, **declared)
    newer_rows(stage, 3000, 30)

    with pytest.raises(DataError, match=r"found 30 rows after .* offload run trades first"):
        stage.set_watermark(spec, LATER)
    refused = token(stage, spec)
    shown = stage.set_watermark(spec, LATER, force=True)
    counted = stage.run(spec)

    assert refused["changed_by"] is None
    assert (shown["changes"][0]["late_rows"], shown["changes"][0]["forced"], len(shown["changes"])) == (30, True, 1)
    assert (counted.exit_code, counted.rows, counted.late_rows) == (0, 0, 30), counted
    if spec.key:
        assert stage.backfill(spec, "2024-08-02", LATER).rows == 30
        exact(stage, spec, [*range(1440), *range(3000, 3030)])


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
def test_after_a_step_back_a_run_doubles_nothing(stage: Embedded, engine: str) -> None:
    """Where the timestamp does not follow the key: what cold has is left out, what it lacks arrives."""
    spec = published(stage, engine=engine, timestamp_follows_key=False)
    stage.insert_trades(
        "numbers(2000, 5)", start=f"{START} + INTERVAL 15 HOUR - toIntervalMinute(2000)", step="60000000"
    )
    stage.insert_trades(
        "numbers(2100, 5)", start=f"{START} + INTERVAL 9 HOUR - toIntervalMinute(2100)", step="60000000"
    )

    shown = stage.set_watermark(spec, NOON)
    back = token(stage, spec)
    first = stage.run(spec)
    newer_rows(stage, 3000, 10)

    assert shown["cold"]["watermark"]["timestamp"] == NOON, shown
    assert (back["rows"], back["changed_by"], back["reason"]) == (0, "ann@here", "a test"), back
    assert (first.exit_code, first.rows, first.late_rows) == (0, 5, 5), first
    exact(stage, spec, [*range(1440), *range(2000, 2005), *range(3000, 3010)])
    assert stage.audit(spec).doubled == 0


@pytest.mark.parametrize(
    ("declared", "command"),
    [({}, "offload backfill trades"), ({"key": (), "timestamp_follows_key": False}, "offload audit trades")],
    ids=["follows", "no key"],
)
def test_a_step_back_that_would_double_rows_is_refused_also_with_force(
    stage: Embedded, declared: dict[str, Any], command: str
) -> None:
    """The message names the command that does what is wanted."""
    spec = published(stage, **declared)

    for to in (NOON, "1970-01-01", "0001-01-01"):
        with pytest.raises(DataError, match=command):
            stage.set_watermark(spec, to, force=True)

    exact(stage, spec, [*range(1440)])


def test_a_step_back_over_changed_rows_is_refused(stage: Embedded) -> None:
    """The next run would stop at a key with two contents."""
    spec = published(stage, engine=REPLACING, timestamp_follows_key=False)
    stage.insert_trades("numbers(1000, 2)", step="60000000", price="77")

    with pytest.raises(DataError, match=r"2 rows with another content"):
        stage.set_watermark(spec, NOON)

    assert stage.set_watermark(spec, "2024-08-01T20:00")["agree"] is True


@pytest.mark.parametrize("to", ["2999-01-01", "9999-12-31T23:59:59.999999"])
def test_a_time_after_the_end_of_a_window_is_64(stage: Embedded, to: str) -> None:
    """Also with `--force`: every row that is yet to come would be late."""
    spec = published(stage)

    with pytest.raises(UsageError, match="where the window of a run would end now"):
        stage.set_watermark(spec, to, force=True)

    assert token(stage, spec)["changed_by"] is None


def test_the_watermark_of_now_changes_nothing(stage: Embedded) -> None:
    """No snapshot, no line in the log; another sequence is a change."""
    spec = published(stage)
    snapshots = stage.published(spec)

    same, other = stage.set_watermark(spec, LAST), stage.set_watermark(spec, LAST, sequence=5)

    assert (same["agree"], same["changes"]) == (True, [])
    assert (other["cold"]["watermark"]["sequence"], len(other["changes"])) == (5, 1), other
    assert stage.published(spec) == snapshots + 1
    exact(stage, spec, [*range(1440)])


def test_a_table_that_was_never_published_is_65(stage: Embedded) -> None:
    """A run comes first; no table is created."""
    spec = stage.trades(10)

    with pytest.raises(DataError, match=r"nothing was published yet; next: offload run trades"):
        stage.set_watermark(spec, NOON)

    assert stage.published(spec) == 0


EVENTS = [
    f"{when}:{step}" for step in ("claim", "recover", "plan", "publish", "record") for when in ("before", "after")
]


@pytest.mark.parametrize("event", [*EVENTS, "at:metadata_written"])
def test_a_change_that_fails_anywhere_is_whole_or_not_at_all(stage: Embedded, event: str) -> None:
    """The log has it from before the commit on, and the next run repairs the store from the table."""
    spec = published(stage)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.set_watermark(spec, LATER, listeners=[CallOnce(event, fail)])
    committed = token(stage, spec)["changed_by"] is not None
    run = stage.run(spec)
    shown = stage.set_watermark(spec, LATER)

    assert committed == (event in {"after:publish", "before:record", "after:record"})
    assert (run.exit_code, run.rows) == (0, 0), run
    assert (shown["agree"], shown["cold"]["watermark"]["timestamp"]) == (True, LATER), shown
    assert len(shown["changes"]) == 1 + (event in {"before:publish", "at:metadata_written"}), shown["changes"]
    assert committed or shown["changes"][0]["snapshot_id"] is not None
    exact(stage, spec, [*range(1440)])


def test_a_step_back_that_is_killed_before_the_store_follows_is_no_restored_catalog(stage: Embedded) -> None:
    """The store is then ahead of the table: it is repaired from it, and nothing is published twice."""
    spec = published(stage, timestamp_follows_key=False)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.set_watermark(spec, NOON, listeners=[CallOnce("after:publish", fail)])
    with sqlite3.connect(stage.folder / "watermarks.db") as store:
        store.execute(
            "UPDATE offload_watermarks SET status = 'running', last_offload_timestamp = ?, watermark_ticks = ?",
            (LAST[:-1].replace("T", " "), token(stage, spec)["window_to"]),
        )
    run = stage.run(spec)

    assert (run.exit_code, run.rows) == (0, 0), run
    assert [warning for warning in run.warnings if "repaired" in warning] == list(run.warnings) != []
    exact(stage, spec, [*range(1440)])


def test_a_living_run_keeps_its_table_and_a_later_one_fences(stage: Embedded) -> None:
    """The lease first; where it was taken over, the commit's fence."""
    spec = published(stage)
    newer_rows(stage, 3000, 10)
    held: list[str] = []

    def during() -> None:
        with pytest.raises(LeaseHeld):
            stage.set_watermark(spec, LATER, force=True)
        held.append("held")

    assert stage.run(spec, listeners=[CallOnce("before:publish", during)]).rows == 10
    assert held == ["held"]
    newer_rows(stage, 3100, 3)
    stage.insert_trades("numbers(4000, 1)", start=f"{START} + INTERVAL 3 DAY", step="0")
    others: list[TableResult] = []

    def first() -> None:
        with sqlite3.connect(stage.folder / "watermarks.db") as store:
            store.execute("UPDATE offload_watermarks SET status = 'failed', owner = 'nobody'")
        others.append(stage.run(spec))

    with pytest.raises(Fenced):
        stage.set_watermark(spec, "2024-08-05", force=True, listeners=[CallOnce("before:publish", first)])

    assert [one.rows for one in others] == [1]
    assert token(stage, spec)["changed_by"] is None
