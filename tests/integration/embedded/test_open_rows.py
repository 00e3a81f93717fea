"""A row that covers an interval, such as a candle, is moved when the interval is over, and not before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload import api
from offload.errors import DataError
from offload.model.table import TableSpec
from tests.support.embedded import REPLACING, Embedded

MINUTE = "60000000"  # microseconds
NOW = "now64(6, 'UTC')"


def minutes(stage: Embedded, rows: int = 5, interval: str = "1m", **changes: str) -> TableSpec:
    """A row for each minute from 2024-08-01T00:00 on, which covers an interval."""
    stage.trades(rows, engine=REPLACING, step=MINUTE)
    return stage.declared("trades", interval=interval, **changes)


def at(time: str) -> str:
    """A time of the day of the rows."""
    return f"2024-08-01T{time}Z"


@pytest.mark.parametrize(
    ("interval", "until", "moved"),
    [
        ("1m", "00:02:59.999999", 2),
        ("1m", "00:03:00", 3),
        ("180s", "00:03:00", 1),
        ("2h", "02:01:00", 2),
        ("1d", "23:59:59", 0),
    ],
)
def test_a_row_is_moved_from_the_end_of_its_interval_on(stage: Embedded, interval: str, until: str, moved: int) -> None:
    """To the microsecond, and `plan` says the same."""
    spec = minutes(stage, interval=interval)
    (planned,) = api.plan(spec=spec, until=at(until), settings=stage.settings())
    ended = stage.run(spec, until=at(until))

    assert (ended.exit_code, ended.rows, planned.rows) == (0, moved, moved), ended
    assert ended.window == planned.window
    assert stage.published(spec) == (1 if moved else 0)


def test_an_open_row_that_changes_is_moved_once_with_its_last_content(stage: Embedded) -> None:
    """Neither its first content nor a second row reaches cold, and nothing is late or changed."""
    spec = minutes(stage)
    while_open = stage.run(spec, until=at("00:04:30"))
    stage.insert_trades("numbers(4, 1)", step=MINUTE, price="99")
    closed = stage.run(spec, until=at("00:05:00"))
    again = stage.run(spec, until=at("00:06:00"))

    assert [one.rows for one in (while_open, closed, again)] == [4, 1, 0]
    assert [one.changed_rows + one.late_rows for one in (closed, again)] == [0, 0]
    assert [row["price"] for row in stage.cold(spec).to_pylist() if row["trade_id"] == "4"] == [99]
    assert stage.cold_ids(spec) == [0, 1, 2, 3, 4]
    assert stage.audit(spec).equal


def test_by_the_clock_a_row_of_now_is_open_and_one_of_the_day_before_yesterday_is_closed(stage: Embedded) -> None:
    """Without a bound that a person sets."""
    stage.trades(engine=REPLACING)
    stage.insert_trades("numbers(1)", start=NOW)
    stage.insert_trades("numbers(1, 1)", start=f"{NOW} - INTERVAL 2 DAY")
    spec = stage.declared("trades", interval="1d")

    assert (stage.run(spec).rows, stage.cold_ids(spec)) == (1, [1])


def test_a_run_that_ends_before_the_newest_closed_row_sweeps_nothing(stage: Embedded) -> None:
    """The watermark is a minute before the bound of the run that set it; the same bound again sweeps."""
    spec = minutes(stage, late="sweep")
    stage.run(spec, until=at("00:05:00"))
    stage.insert_trades("numbers(7, 1)", start="toDateTime64('2024-08-01 00:01:00', 6, 'UTC')", step="0")
    earlier = stage.run(spec, until=at("00:04:30"))
    same = stage.run(spec, until=at("00:05:00"))

    assert (earlier.swept_rows, same.swept_rows) == (0, 1), (earlier, same)
    assert stage.cold_ids(spec) == [0, 1, 2, 3, 4, 7]


def test_a_cold_table_with_an_open_row_is_not_adopted(stage: Embedded) -> None:
    """The watermark would be that row, and its last content would never be moved."""
    stage.trades(engine=REPLACING)
    stage.insert_trades("numbers(1)", start=NOW)
    spec = stage.declared("trades")
    stage.run(spec)

    with pytest.raises(DataError, match=r"no timestamp after .* in cold\.trades"):
        stage.adopt(replace(spec, interval="1d"))

    assert stage.adopt(spec)["rows"] == 1
