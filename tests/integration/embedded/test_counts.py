"""No window is passed over, and each count means what it says, whatever happens between two looks at the hot table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.clickhouse.statistics import ClickHouseStatistics
from offload.model.splits import BucketCount
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.source import HotTable, Source
from offload.protocol import publish
from tests.support.embedded import PLAIN, REPLACING, Embedded

OF_TWO_DAYS = "172800000"  # microseconds between 1000 trades of two days
DETACH = "ALTER TABLE trades DETACH PARTITION '2024-08-02'"
ATTACH = "ALTER TABLE trades ATTACH PARTITION '2024-08-02'"
OLD_STAMPS = "ALTER TABLE trades UPDATE arrived_at = now64(3) - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"

Change = Callable[[list[BucketCount]], list[BucketCount]]


class OneAnswerChanged:
    """A source of which the first plan of files, by partition and cluster, is changed on the way."""

    def __init__(self, inner: Source, change: Change) -> None:
        self.now = inner.now
        self._inner = inner
        self._change = change

    def describe(self, spec: TableSpec) -> HotTable:
        """The table, with statistics of which one answer is changed."""
        hot = self._inner.describe(spec)
        assert isinstance(hot.statistics, ClickHouseStatistics)
        return replace(hot, statistics=ChangedStatistics(hot.statistics.rows, [self._change]))


@dataclass(frozen=True)
class ChangedStatistics(ClickHouseStatistics):
    """Statistics of which the first clustered count is changed."""

    changes: list[Change] = field(default_factory=list)

    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        """As ClickHouse counts, but for the first."""
        counts = super().count_by_bucket(window, bucket, clustered=clustered)
        return self.changes.pop()(counts) if clustered and self.changes else counts


def changed(change: Change) -> dict[str, Any]:
    """The argument `adapters` of `Embedded.run`."""
    return {"source": lambda inner: OneAnswerChanged(inner, change)}


@pytest.mark.parametrize("batch_rows", [1000, 10_000])
@pytest.mark.parametrize("change", [lambda _: [], lambda counts: counts[1:]], ids=["empty", "one bucket less"])
def test_an_answer_that_lost_rows_on_the_way_passes_no_batch_over(
    stage: Embedded, change: Change, batch_rows: int
) -> None:
    """The rows are counted twice, by the window and by its parts; the next look agrees, and every row is published."""
    spec = stage.trades(3000, step="57600000")
    stage.sql(OLD_STAMPS)

    result = stage.run(spec, adapters=changed(change), batch_rows=batch_rows)

    assert (result.exit_code, result.rows, result.vanished_rows) == (0, 3000, 0), result
    assert stage.cold_ids(spec) == list(range(3000))


def test_a_batch_whose_rows_are_gone_when_it_is_planned_is_not_passed_over(stage: Embedded) -> None:
    """A partition that is detached for a moment: the run ends with 75, and the next one publishes every row."""
    spec = stage.trades(3000, step="57600000")
    stage.sql(OLD_STAMPS)
    first_day = "'2024-08-01'"

    def detach(_: list[BucketCount]) -> list[BucketCount]:
        stage.sql(f"ALTER TABLE trades DETACH PARTITION {first_day}")
        return []

    first = stage.run(spec, adapters=changed(detach), batch_rows=1000)
    stage.sql(f"ALTER TABLE trades ATTACH PARTITION {first_day}")
    second = stage.run(spec, batch_rows=1000)

    assert first.exit_code == 75, first
    assert first.error is not None
    assert first.error["kind"] == "SourceMoving"
    assert (second.exit_code, stage.cold_ids(spec)) == (0, list(range(3000)))


def test_rows_of_a_batch_that_vanish_and_return_are_in_the_next_batch(stage: Embedded) -> None:
    """A batch begins at the watermark, not where the one before it ended: what that one did not publish is not late."""
    spec = stage.trades(3000, step="57600000")
    first_day = "'2024-08-01'"
    away = CallOnce("after:plan", lambda: stage.sql(f"ALTER TABLE trades DETACH PARTITION {first_day}"))
    back = CallOnce("after:verify", lambda: stage.sql(f"ALTER TABLE trades ATTACH PARTITION {first_day}"))

    result = stage.run(spec, batch_rows=1500, listeners=[away, back])
    again = stage.run(spec)

    assert away.happened
    assert back.happened
    assert (result.exit_code, result.rows, result.vanished_rows, result.batches) == (0, 3000, 1500, 1), result
    assert (again.rows, again.late_rows, stage.cold_ids(spec)) == (0, 0, list(range(3000))), again


def test_each_batch_begins_at_the_watermark_before_it(stage: Embedded) -> None:
    """No batch leaves a range between itself and the watermark, which RECOVER could not tell from lost rows."""
    spec = stage.trades(100, step="86400000000")

    stage.run(spec, batch_rows=10)

    tokens = [snapshot.summary["tidemark.token"] for snapshot in stage.iceberg(spec).metadata.snapshots]
    parsed = [json.loads(token) for token in tokens]
    assert [one["window_from"] for one in parsed] == [None, *(one["watermark_ticks"] for one in parsed[:-1])]


def test_rows_that_vanish_between_plan_and_read_are_no_duplicates(stage: Embedded) -> None:
    """A replica that lacks a part, as a balancer brings it: the rows have a count of their own, and a warning."""
    spec = stage.trades(1000, step=OF_TWO_DAYS)

    result = stage.run(
        spec,
        listeners=[
            CallOnce("after:plan", lambda: stage.sql(DETACH)),
            CallOnce("after:publish", lambda: stage.sql(ATTACH)),
        ],
    )

    assert (result.exit_code, result.rows, result.duplicates_dropped, result.vanished_rows) == (0, 500, 0, 500), result
    assert any("500 rows of the window were gone" in warning for warning in result.warnings), result.warnings


VANISHED = {
    "all rows": ("TRUNCATE TABLE trades", 0, 200),
    "some rows": ("ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 66 SETTINGS mutations_sync = 2", 134, 66),
    "rows masked": ("DELETE FROM trades WHERE toUInt64(trade_id) < 66", 134, 66),
}


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize("case", VANISHED)
def test_deleted_rows_are_no_duplicates(stage: Embedded, case: str, engine: str) -> None:
    """Rows that are deleted between PLAN and the read are counted as vanished."""
    statement, rows, vanished = VANISHED[case]
    spec = stage.trades(200, engine=engine)

    result = stage.run(spec, listeners=[CallOnce("after:plan", lambda: stage.sql(statement))])

    counts = result.exit_code, result.rows, result.duplicates_dropped, result.vanished_rows
    assert counts == (0, rows, 0, vanished), result


def test_rows_that_a_merge_removes_have_not_vanished(stage: Embedded) -> None:
    """After PLAN a merge removes the second delivery of thirty rows: nothing is gone."""
    spec = stage.trades(200, engine=REPLACING)
    stage.sql("SYSTEM STOP MERGES trades")
    stage.sql("INSERT INTO trades SELECT * FROM trades WHERE toUInt64(trade_id) < 30")

    def merge() -> None:
        stage.sql("SYSTEM START MERGES trades")
        stage.sql("OPTIMIZE TABLE trades FINAL")

    result = stage.run(spec, listeners=[CallOnce("after:plan", merge)])

    assert (result.exit_code, result.rows, result.vanished_rows, list(result.warnings)) == (0, 200, 0, []), result


def test_recover_finds_a_window_that_was_passed_over(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that begins after the watermark before it, as a release before this one could write it."""
    spec = stage.trades(100)
    stage.run(spec)
    original = publish.commit_token

    def passed_over(*given: Any, **named: Any) -> CommitToken:
        token = original(*given, **named)
        return replace(token, window_from=token.window_to + 1)

    monkeypatch.setattr(publish, "commit_token", passed_over)
    stage.insert_trades("numbers(20000000, 100)")
    assert stage.run(spec).exit_code == 0
    monkeypatch.undo()

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (65, 0), result
    assert result.error is not None
    assert "may not have been published" in result.error["found"]
    assert "adopt" in result.error["next"]
