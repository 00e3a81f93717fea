"""A hot table that changes while it is read is no error, as long as it can be read consistently."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from offload.clickhouse.hashed_stream import HashedStream
from offload.clickhouse.hot_table import ClickHouseRows
from offload.model.table import TableSpec
from offload.ports.engine import Listener
from offload.ports.source import HotTable, Source
from tests.support.embedded import PLAIN, REPLACING, Embedded

Action = Callable[[], object]


class Moving:
    """A source that calls an action before each stream of rows, or between the stream and the count of its rows."""

    def __init__(self, inner: Source, before: Action | None, after: Action | None) -> None:
        self.now = inner.now
        self._inner = inner
        self._before = before
        self._after = after

    def describe(self, spec: TableSpec) -> HotTable:
        """The table, whose rows change while they are read."""
        hot = self._inner.describe(spec)
        assert isinstance(hot.rows, ClickHouseRows)
        rows = MovingRows(hot.rows.client, hot.rows.files, hot.rows.filter, self._before, self._after)
        return replace(hot, rows=rows)


@dataclass(frozen=True)
class MovingRows(ClickHouseRows):
    """
    Rows of a table that changes while it is read.

    Attributes:
        before: Called before each stream.
        after: Called after the last batch of each stream, before its rows are counted.
    """

    before: Action | None
    after: Action | None

    def _stream(self, rows: str, *, count_keys: bool) -> HashedStream:
        if self.before:
            self.before()
        stream = super()._stream(rows, count_keys=count_keys)
        if self.after:
            stream._batches = followed(stream._batches, self.after)
        return stream


def followed(batches: Iterable[Any], action: Action) -> Generator[Any]:
    """The batches, and then the action."""
    yield from batches
    action()


def moving(before: Action | None = None, after: Action | None = None) -> dict[str, Any]:
    """The argument `adapters` of `Embedded.run`."""
    return {"source": lambda inner: Moving(inner, before, after)}


def once(action: Action) -> Action:
    """The action, the first time only."""
    calls = itertools.count()
    return lambda: action() if next(calls) == 0 else None


def before_verify(action: Action) -> Listener:
    """Call the action when all rows have been read and none has been verified."""
    return lambda event: action() if str(event) == "before:verify" else None


MOVES = {
    "a late insert": "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
    "SELECT 'BTC', '900', 1, min(exchange_timestamp) FROM trades",
    "a merge": "OPTIMIZE TABLE trades FINAL",
    "rows deleted, as by a TTL": "ALTER TABLE trades DELETE WHERE toUInt64(trade_id) < 30 SETTINGS mutations_sync = 2",
    "a row updated": "ALTER TABLE trades UPDATE price = 7 WHERE trade_id = '50' SETTINGS mutations_sync = 2",
    "a partition dropped": "ALTER TABLE trades DROP PARTITION '2024-08-01'",
}


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize("move", MOVES)
def test_a_change_after_the_rows_were_read_loses_no_row_that_was_read(stage: Embedded, move: str, engine: str) -> None:
    """The rows that were read and hashed are published, although the source has changed since."""
    spec = stage.trades(100, engine=engine)

    result = stage.run(spec, listeners=[before_verify(lambda: stage.sql(MOVES[move]))])

    assert (result.exit_code, result.rows) == (0, 100), result
    assert stage.cold_ids(spec) == list(range(100))


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
@pytest.mark.parametrize("move", MOVES)
def test_a_change_before_the_rows_are_read_is_published(stage: Embedded, move: str, engine: str) -> None:
    """The plan is old, but the read is consistent: cold has the rows of hot."""
    spec = stage.trades(100, engine=engine)
    events: list[str] = []

    result = stage.run(
        spec,
        adapters=moving(before=once(lambda: stage.sql(MOVES[move]))),
        workers=1,
        listeners=[lambda event: events.append(str(event))],
    )
    found = stage.audit(spec) if move != "a partition dropped" else None

    assert result.exit_code == 0, result
    assert (
        result.rows
        == stage.rows("SELECT count() FROM trades FINAL" if "Replacing" in engine else "SELECT count() FROM trades")[0][
            0
        ]
    )
    assert found is None or found.equal, found
    assert "at:split_started" not in events[events.index("before:verify") :], "no split had to be read again"


@pytest.mark.parametrize("move", ["a late insert", "rows deleted, as by a TTL", "a partition dropped"])
def test_a_change_between_the_rows_and_their_count_ends_with_the_rows_of_hot(stage: Embedded, move: str) -> None:
    """The count differs from the rows, as after a truncated stream: the split is read again, once."""
    spec = stage.trades(100)
    events: list[str] = []

    result = stage.run(
        spec,
        adapters=moving(after=once(lambda: stage.sql(MOVES[move]))),
        workers=1,
        listeners=[lambda event: events.append(str(event))],
    )

    assert result.exit_code == 0, result
    assert result.rows == stage.rows("SELECT count() FROM trades")[0][0]
    assert events[events.index("before:verify") :].count("at:split_started") == 1


ALL_AGAIN = "INSERT INTO trades SELECT * REPLACE (kafka_offset + 1 AS kafka_offset) FROM trades"


@pytest.mark.parametrize("deliveries", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_redelivery_during_the_read_counts_once(stage: Embedded, when: str, deliveries: int) -> None:
    """A Replacing table without duplicates is read without FINAL: one that arrives then must not be published."""
    spec = stage.trades(100, engine=REPLACING)
    stage.sql("SYSTEM STOP MERGES trades")
    for _ in range(1, deliveries):
        stage.sql(ALL_AGAIN)

    result = stage.run(spec, adapters=moving(**{when: once(lambda: stage.sql(ALL_AGAIN))}), workers=1)

    assert (result.exit_code, result.rows) == (0, 100), result
    assert stage.cold_ids(spec) == list(range(100))
    assert stage.audit(spec).equal


def test_a_row_of_another_key_that_replaces_one_during_the_read(stage: Embedded) -> None:
    """Where the sorting key is not the key, both rows have different keys: the count shows the change."""
    spec = stage.trades(100, engine="ReplacingMergeTree PARTITION BY tuple() ORDER BY (symbol, exchange_timestamp)")
    stage.sql("SYSTEM STOP MERGES trades")
    replaced = ALL_AGAIN.replace("kafka_offset + 1 AS kafka_offset", "toString(toUInt64(trade_id) + 1000) AS trade_id")

    result = stage.run(spec, adapters=moving(before=once(lambda: stage.sql(replaced))), workers=1)

    hot = sorted(int(row[0]) for row in stage.rows("SELECT trade_id FROM trades FINAL"))
    assert (result.exit_code, result.rows) == (0, 100), result
    assert stage.cold_ids(spec) == hot


def test_a_source_that_changes_at_every_read_ends_with_75(stage: Embedded) -> None:
    """A change before and after each stream: exit 75, and the next run is exact."""
    spec = stage.trades(10)
    numbers = itertools.count(1000)

    def change() -> None:
        stage.insert_trades(f"numbers({next(numbers) * 4}, 4)", step="0")  # one of each symbol

    first = stage.run(spec, adapters=moving(change, change), workers=1)
    snapshots = stage.published(spec)
    second = stage.run(spec)

    assert (first.exit_code, snapshots) == (75, 0), first
    assert first.error is not None
    assert first.error["kind"] == "SourceMoving"
    assert second.rows == len(stage.cold_ids(spec)) == stage.rows("SELECT count() FROM trades")[0][0]


def test_a_source_that_settles_is_read_again(stage: Embedded) -> None:
    """A change during the first two attempts: the third is published, once."""
    spec = stage.trades(10)
    numbers = itertools.count(1000)

    def change() -> None:
        if (number := next(numbers)) < 1004:
            stage.insert_trades(f"numbers({number}, 1)", step="0")

    result = stage.run(spec, adapters=moving(change, change), workers=1)

    assert result.exit_code == 0, result
    assert result.rows == len(stage.cold_ids(spec)) == 14


def test_a_late_insert_where_no_chunk_was_planned_is_published_by_the_next_run(stage: Embedded) -> None:
    """A symbol without rows in the window before: exit 75, and the next run publishes it."""
    spec = stage.trades(100)
    another = MOVES["a late insert"].replace("'BTC'", "'ZEC'")

    first = stage.run(spec, listeners=[before_verify(lambda: stage.sql(another))])
    snapshots = stage.published(spec)
    second = stage.run(spec)

    assert (first.exit_code, snapshots) == (75, 0), first
    assert first.error is not None
    assert first.error["kind"] == "SourceMoving"
    assert (second.exit_code, second.rows) == (0, 101), second


def test_a_late_insert_into_a_chunk_that_was_read_is_counted_by_the_next_run(stage: Embedded) -> None:
    """A row that arrived during the read is counted as late."""
    spec = stage.trades(100)

    stage.run(spec, listeners=[before_verify(lambda: stage.sql(MOVES["a late insert"]))])
    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows) == (0, 0, 1), result
