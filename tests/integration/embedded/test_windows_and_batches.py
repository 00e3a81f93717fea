"""A window never separates equal timestamps; a long window is published in batches, each with its watermark."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any

import pytest

from offload.model.steps import StepEvent
from tests.support.embedded import START, Embedded


def added(stage: Embedded, spec: Any) -> list[int]:
    """Rows that each snapshot added, oldest first."""
    snapshots = sorted(stage.iceberg(spec).metadata.snapshots, key=lambda snapshot: snapshot.sequence_number)
    return [int(snapshot.summary["added-records"] or 0) for snapshot in snapshots]


@pytest.mark.parametrize(
    ("until", "rows"),
    [
        ("2024-08-01T00:00:04.999999Z", 50),
        ("2024-08-01T00:00:05Z", 60),
        ("2024-08-01T00:00:05.000001", 60),
        ("2024-08-01T02:00:05.5+02:00", 60),
        ("2024-07-31T00:00:00Z", 0),
    ],
)
def test_a_window_has_all_rows_of_a_timestamp_or_none(stage: Embedded, until: str, rows: int) -> None:
    """Ten rows have one second: every run publishes whole tens, and the next run the rest."""
    spec = stage.trades()
    stage.insert_trades("numbers(100)", start=f"{START} + toIntervalSecond(intDiv(number, 10))", step="0")

    first, second = stage.run(spec, until=until), stage.run(spec)

    assert (first.rows, second.rows) == (rows, 100 - rows), first
    assert stage.cold_ids(spec) == list(range(100))


def test_until_can_only_lower_the_end(stage: Embedded) -> None:
    """A time in the future does not shorten the buffer."""
    spec = stage.trades()
    stage.insert_trades("numbers(10)", start="now64(6, 'UTC')", step="0")

    result = stage.run(spec, until="2099-01-01T00:00:00Z", buffer=3600)

    assert (result.exit_code, result.rows) == (0, 0), result


def test_the_watermark_does_not_move_when_nothing_was_found(stage: Embedded) -> None:
    """It is the largest timestamp that was published, never the end of a window."""
    spec = stage.trades(100)

    first, second = stage.run(spec), stage.run(spec)

    assert first.watermark == second.watermark
    assert first.watermark == {"timestamp": "2024-08-01T00:00:00.099000Z", "sequence": 99}
    assert stage.published(spec) == 1


def test_a_backlog_is_published_in_batches_that_keep_equal_timestamps_together(stage: Embedded) -> None:
    """At most 25 rows per batch and ten per timestamp: twenty each, all exactly once."""
    spec = stage.trades()
    stage.insert_trades("numbers(100)", start=f"{START} + toIntervalSecond(intDiv(number, 10))", step="0")

    result = stage.run(spec, batch_rows=25)

    assert (result.exit_code, result.rows, result.batches) == (0, 100, 5), result
    assert added(stage, spec) == [20] * 5
    assert stage.cold_ids(spec) == list(range(100))


def test_equal_timestamps_beyond_the_batch_size_are_one_batch(stage: Embedded) -> None:
    """Equal timestamps stay together, even if the batch is larger than its limit."""
    spec = stage.trades()
    stage.insert_trades("numbers(100)", start=f"{START} + toIntervalSecond(intDiv(number, 50))", step="0")

    result = stage.run(spec, batch_rows=25)

    assert (result.exit_code, result.rows) == (0, 100), result
    assert added(stage, spec) == [50, 50]


def test_a_backlog_that_fails_in_its_third_batch_is_resumed_there(stage: Embedded) -> None:
    """Two batches are published with their watermark; the next run begins behind them."""
    spec = stage.trades()
    stage.insert_trades("numbers(100)", start=f"{START} + toIntervalSecond(intDiv(number, 10))", step="0")
    publications = itertools.count(1)

    def fail(event: StepEvent) -> None:
        if str(event) == "before:publish" and next(publications) == 3:
            raise OSError("planted")

    first = stage.run(spec, batch_rows=25, listeners=[fail])
    second = stage.run(spec, batch_rows=25)

    assert (first.status, first.rows) == ("failed", 40), first
    assert first.watermark == {"timestamp": "2024-08-01T00:00:03.000000Z", "sequence": 39}
    assert (second.exit_code, second.rows) == (0, 60), second
    assert stage.cold_ids(spec) == list(range(100))


def test_several_days_and_years_are_one_window(stage: Embedded) -> None:
    """Long times without rows make no batch; times before 1970 are published too."""
    spec = stage.trades(10)
    stage.insert_trades("numbers(10, 10)", start="toDateTime64('1969-12-31 23:59:59.999995', 6, 'UTC')", step="0")
    stage.insert_trades("numbers(20, 10)", start=f"{START} - INTERVAL 20 YEAR", step="86400000000")

    result = stage.run(spec, batch_rows=7)

    assert (result.exit_code, result.rows) == (0, 30), result
    assert stage.cold_ids(spec) == list(range(30))
    assert stage.audit(spec).equal


def test_a_clock_at_the_source_that_is_behind_is_a_warning(stage: Embedded) -> None:
    """The earlier clock counts: later rows are left for the next run, with a warning."""
    spec = stage.trades(10)

    result = stage.run(spec, adapters={"source": lambda inner: Clocked(inner, "2024-07-31")})
    later = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 0), result
    assert any("clock" in warning for warning in result.warnings)
    assert later.rows == 10


def test_a_clock_at_the_source_that_is_ahead_moves_the_watermark_no_further_than_the_rows(stage: Embedded) -> None:
    """This machine's clock ends the window, and rows that arrive in time are not late."""
    spec = stage.trades(10)
    stage.insert_trades("numbers(10, 10)", start="now64(6, 'UTC') + INTERVAL 1 HOUR", step="0")

    result = stage.run(spec, adapters={"source": lambda inner: Clocked(inner, "2099-01-01")})
    stage.insert_trades("numbers(20, 10)", start=f"{START} + INTERVAL 1 SECOND")
    later = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 10), result
    assert result.watermark == {"timestamp": "2024-08-01T00:00:00.009000Z", "sequence": 9}
    assert (later.rows, later.late_rows) == (10, 0), later


class Clocked:
    """A source whose clock shows midnight of a day."""

    def __init__(self, inner: Any, day: str) -> None:
        self.describe = inner.describe
        self._at = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1_000_000

    def now(self) -> int:
        """Microseconds since 1970 UTC."""
        return self._at


def test_a_batch_is_bounded_by_time_as_well(stage: Embedded) -> None:
    """After an outage of a day each commit has the rows of two hours at most, and a crash loses no more than that."""
    spec = stage.trades(240, step="360000000")  # one in six minutes

    result = stage.run(spec, batch_time="2h")

    tokens = [json.loads(one.summary["tidemark.token"]) for one in stage.iceberg(spec).metadata.snapshots]
    assert (result.exit_code, result.rows, result.batches) == (0, 240, 12), result
    assert [token["rows"] for token in tokens] == [20] * 12
    assert stage.cold_ids(spec) == list(range(240))
