"""Nothing unproven is dropped from hot: `expire-hot` compares every row, and drops the parts that it has compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.clickhouse.cold_reader import ClickHouseColdReader
from offload.errors import DataError, Fenced, SourceMoving
from offload.model.steps import StepEvent
from offload.model.table import TableSpec
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

THREE_DAYS = "259200000"  # microseconds between two of 1,000 rows
FIRST_DAY = "2024-08-01"
HUGE = 200 * 365 * 86_400.0  # seconds: no row is so old


def published(stage: Embedded, *, engine: str = PLAIN, **declared: Any) -> TableSpec:
    """A table of 1,000 rows over three days, published."""
    stage.trades(1000, engine=engine, step=THREE_DAYS)
    spec = stage.declared("trades", **({"late": "sweep"} | declared))
    assert stage.run(spec).rows == 1000
    return spec


def hot_ids(stage: Embedded) -> list[int]:
    """The trade ids in hot, sorted."""
    return sorted(int(trade_id) for (trade_id,) in stage.rows("SELECT trade_id FROM trades"))


def token(stage: Embedded, spec: TableSpec) -> dict[str, Any]:
    """The token of the last commit."""
    found: dict[str, Any] = json.loads(stage.iceberg(spec).properties["tidemark.token"])
    return found


def one_row(number: int, hours: int, price: str = "7") -> Callable[[Embedded], None]:
    """Inserts one row, so many hours after the first one."""
    return lambda stage: stage.insert_trades(
        f"numbers({number}, 1)", step="0", start=f"{START} + INTERVAL {hours} HOUR", price=price
    )


def update(stage: Embedded) -> None:
    """Change a row of the first day in place, which no count shows."""
    stage.sql("ALTER TABLE trades UPDATE price = 7 WHERE trade_id = '5' SETTINGS mutations_sync = 2")


def lose_timestamp(stage: Embedded) -> None:
    """Insert a row without a timestamp."""
    stage.sql("INSERT INTO trades (symbol, trade_id) VALUES ('BTC', '5000')")


def delete_file(stage: Embedded) -> None:
    """Remove a data file of cold."""
    next(iter(sorted((stage.folder / "warehouse").rglob("*.parquet")))).unlink()


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
def test_only_partitions_wholly_below_the_proof_are_dropped(stage: Embedded, engine: str) -> None:
    """The second day is published in part: only the first one goes, and both sides say how far the proof reaches."""
    stage.trades(1000, engine=engine, step=THREE_DAYS)
    spec = stage.declared("trades")
    stage.run(spec, until="2024-08-02T12:00:00Z")
    before, mark = hot_ids(stage), token(stage, spec)["watermark_ticks"]

    found = stage.expire_hot(spec)
    after = token(stage, spec)
    ((verified, expired),) = stage_columns(stage)

    assert [(one["partition"], one["rows"]) for one in found["partitions"]] == [("20240801", 334)]
    assert (found["parts"], found["rows"], found["bytes"] > 0, found["dry_run"]) == (1, 334, True, False)
    assert hot_ids(stage) == before[334:]
    assert (after["verified_through"], after["watermark_ticks"]) == (mark, mark)
    assert stage.iceberg(spec).properties["tidemark.verified-through"] == str(mark)
    assert (verified, expired) == (found["verified_through"], found["expired_through"])
    assert found["expired_through"].startswith(FIRST_DAY)
    assert (stage.run(spec).rows, stage.cold_ids(spec)) == (1000 - 501, [*range(1000)])
    assert stage.audit(spec).equal


def stage_columns(stage: Embedded) -> list[tuple[str, str]]:
    """What the store says of the proof, as `status --json` shows it."""
    from offload import api

    rows = api.status(settings=stage.settings())["tables"]
    return [(row["verified_through"], row["expired_through"]) for row in rows]


def test_partitions_that_are_not_old_enough_stay(stage: Embedded) -> None:
    """The proof is kept all the same; a second command adds no snapshot."""
    spec = published(stage)

    first, second = stage.expire_hot(spec, HUGE), stage.expire_hot(spec, HUGE)

    assert (first["partitions"], first["rows"], len(hot_ids(stage))) == ([], 0, 1000)
    assert first["verified_through"] == second["verified_through"] == "2024-08-03T23:55:40.800000Z"
    assert (first["snapshot_id"], stage.published(spec)) == (second["snapshot_id"], 2)


def test_a_dry_run_lists_what_would_be_dropped_and_changes_nothing(stage: Embedded) -> None:
    """Neither hot nor cold nor the proof."""
    spec = published(stage)

    planned = stage.expire_hot(spec, dry_run=True)
    left = (len(hot_ids(stage)), stage.published(spec), stage_columns(stage))
    dropped = stage.expire_hot(spec)

    assert left == (1000, 1, [(None, None)])
    assert (planned["partitions"], planned["rows"]) == (dropped["partitions"], 1000)
    assert (planned["dry_run"], planned["expired_through"], hot_ids(stage)) == (True, None, [])


UNPROVEN = {
    "late": (one_row(2000, 1), "1 late rows"),
    "another content": (one_row(0, 0, "99"), "changed"),
    "changed in place": (update, "1 with another content"),
    "no timestamp": (lose_timestamp, "1 rows with 1970-01-01"),
    "no cold file": (delete_file, "that are gone"),
}


@pytest.mark.parametrize("proven_before", [False, True])
@pytest.mark.parametrize("kind", UNPROVEN)
def test_one_row_that_cold_does_not_prove_stops_the_command(stage: Embedded, kind: str, *, proven_before: bool) -> None:
    """Whether it was there when the proof advanced, or came below it; nothing is dropped, of no partition."""
    change, words = UNPROVEN[kind]
    spec = published(stage, late="skip")
    if proven_before:
        assert stage.expire_hot(spec, HUGE)["verified_through"]
    change(stage)
    before = stage.rows("SELECT count(), sum(cityHash64(*)) FROM trades")

    with pytest.raises(DataError, match=words):
        stage.expire_hot(spec)

    assert stage.rows("SELECT count(), sum(cityHash64(*)) FROM trades") == before


def test_a_late_row_that_is_left_takes_the_proof_back(stage: Embedded) -> None:
    """To before its hour; when it is swept and compared, the proof advances again."""
    spec = published(stage, late="skip")
    stage.expire_hot(spec, HUGE)
    one_row(2000, 30)(stage)

    stage.run(spec)
    back = token(stage, spec)
    again = stage.run(spec)
    stage.run(stage.declared("trades", late="sweep"))

    assert back["verified_through"] == (1722470400 + 30 * 3600) * 10**6 - 1
    assert (again.exit_code, again.batches, stage.published(spec)) == (0, 0, 4)
    assert stage.expire_hot(spec)["rows"] == 1001
    assert token(stage, spec)["verified_through"] == back["watermark_ticks"]


def test_a_row_that_arrives_between_the_look_and_the_drop_stays(stage: Embedded) -> None:
    """Parts are dropped by name, not by partition; the row is late, and the next run publishes it."""
    spec = published(stage)
    arrival = CallOnce("before:drop", lambda: one_row(2000, 1)(stage))

    found = stage.expire_hot(spec, listeners=[arrival])
    left, run = hot_ids(stage), stage.run(spec)

    assert arrival.happened
    assert (found["rows"], left, run.swept_rows) == (1000, [2000], 1)
    assert stage.cold_ids(spec) == [*range(1000), 2000]
    assert stage.audit(spec).equal
    assert (stage.expire_hot(spec)["rows"], hot_ids(stage)) == (1, [])


def test_parts_that_are_merged_before_their_drop_are_compared_again(stage: Embedded) -> None:
    """The merged part has another name, so that the drop of the old ones finds nothing."""
    spec = published(stage)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE toUInt32(trade_id) < 3")
    merge, looks = CallOnce("before:drop", lambda: stage.sql("OPTIMIZE TABLE trades FINAL")), []

    found = stage.expire_hot(spec, listeners=[merge, lambda event: looks.append(str(event))])

    assert (looks.count("before:look"), found["rows"], hot_ids(stage)) == (4, 1003, [])
    assert [one["partition"] for one in found["partitions"]] == ["20240801", "20240802", "20240803"]


@pytest.mark.parametrize("times", [1, 99])
def test_a_partition_whose_parts_change_during_each_comparison_stays(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Copies arrive while it is compared: compared again, and after four times 75."""
    spec = published(stage)
    compare, left = ClickHouseColdReader.compare, [times + 1]  # the first comparison is that of the whole table

    def disturbed(self: ClickHouseColdReader, *given: Any) -> Any:
        found = compare(self, *given)
        left[0] -= 1
        if 0 <= left[0] < times:
            stage.sql("INSERT INTO trades SELECT * FROM trades WHERE trade_id = '1' LIMIT 1")
        return found

    monkeypatch.setattr(ClickHouseColdReader, "compare", disturbed)
    if times == 1:
        assert (stage.expire_hot(spec)["rows"], hot_ids(stage)) == (1001, [])
        return
    with pytest.raises(SourceMoving, match="partition 20240801"):
        stage.expire_hot(spec)

    assert {*hot_ids(stage)} == {*range(1000)}


def test_dropped_rows_that_are_delivered_again_are_not_doubled(stage: Embedded) -> None:
    """Cold has their keys; they are proven like any other row."""
    spec = published(stage)
    stage.expire_hot(spec)
    stage.insert_trades("numbers(0, 10)", step=THREE_DAYS)

    result = stage.run(spec)

    assert (result.rows, result.late_rows, stage.cold_ids(spec)) == (0, 0, [*range(1000)])
    assert stage.audit(spec).equal
    assert (stage.expire_hot(spec)["rows"], hot_ids(stage)) == (10, [])


@pytest.mark.parametrize("price", ["number / 100", "99"])
def test_a_redelivery_under_another_time_is_proven_by_its_content(stage: Embedded, price: str) -> None:
    """Where the timestamp does not follow the key, cold has the row under the time of its first delivery."""
    spec = published(stage, timestamp_follows_key=False)
    one_row(3, 30, price)(stage)

    if price == "99":
        with pytest.raises(DataError, match=r"missing in cold|changed"):
            stage.expire_hot(spec)
        assert len(hot_ids(stage)) == 1001
    else:
        assert (stage.expire_hot(spec)["rows"], hot_ids(stage)) == (1001, [])


def test_a_table_without_a_key_is_proven_by_whole_rows(stage: Embedded) -> None:
    """Each as often as hot has it."""
    stage.trades(1000, step=THREE_DAYS)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE trade_id = '7'")
    spec = stage.declared("trades", key=(), delivery=(), arrival=None, timestamp_follows_key=False)
    stage.run(spec)
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE trade_id = '8'")

    with pytest.raises(DataError, match="1 late rows"):
        stage.expire_hot(spec)
    stage.sql("ALTER TABLE trades DELETE WHERE trade_id = '8' SETTINGS mutations_sync = 2")

    assert (stage.expire_hot(spec)["rows"], hot_ids(stage)) == (1000, [])


def test_nothing_is_dropped_when_another_writer_has_published_since(stage: Embedded) -> None:
    """The rows were compared with a table that is not the one of now."""
    spec = published(stage)

    def publish() -> None:
        other = json.dumps({**token(stage, spec), "epoch": 99})
        stage.iceberg(spec).transaction().set_properties({"tidemark.token": other}).commit_transaction()

    with pytest.raises(Fenced, match="another commit"):
        stage.expire_hot(spec, listeners=[CallOnce("before:look", publish)])

    assert len(hot_ids(stage)) == 1000


def test_a_failure_names_what_was_dropped_before_it(stage: Embedded) -> None:
    """A row of the second day becomes late when the first day is gone."""
    spec = published(stage)
    looks: list[str] = []

    def arrive(event: StepEvent) -> None:
        looks.append(str(event))
        if looks.count("before:look") == 2 and str(event) == "before:look":
            one_row(2000, 30)(stage)

    with pytest.raises(DataError, match=r"partition 20240802 1 missing.*1 parts with 334 proven rows were dropped"):
        stage.expire_hot(spec, listeners=[arrive])

    assert hot_ids(stage) == [*range(334, 1000), 2000]


def test_a_view_has_no_partitions_to_drop(stage: Embedded) -> None:
    """Those of the table behind it may have rows that the view does not show."""
    stage.trades(10)
    stage.sql("CREATE VIEW shown AS SELECT * FROM trades WHERE toUInt32(trade_id) < 5")
    spec = stage.declared("shown")
    assert stage.run(spec).rows == 5

    with pytest.raises(DataError, match="the engine View"):
        stage.expire_hot(spec)

    assert len(hot_ids(stage)) == 10


def test_nothing_is_dropped_before_the_first_run(stage: Embedded) -> None:
    """Cold proves nothing yet."""
    spec = stage.trades(10)

    with pytest.raises(DataError, match="none published yet"):
        stage.expire_hot(spec)

    assert len(hot_ids(stage)) == 10
