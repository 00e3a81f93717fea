"""Refusals of states that are rare: each stops with its own message, and nothing is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offload import wiring
from offload.clickhouse.hot_table import ClickHouseRows
from offload.commands.adopt import adopt
from offload.errors import DataError
from offload.iceberg.history import TOKEN
from offload.model.splits import Chunk
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.results import TableResult
from tests.integration.embedded.test_moving_source import moving, once
from tests.support.embedded import Embedded


def refusal(result: TableResult) -> tuple[int, str, str]:
    """Exit code, what was expected and what was found."""
    assert result.error is not None, result
    return result.exit_code, result.error["expected"], result.error["found"]


def before(event: str, action: Callable[[], object]) -> Listener:
    """A listener that calls the action at the first event of that name."""
    first = once(action)
    return lambda emitted: first() if str(emitted) == event else None


def test_an_invalid_value_that_vanishes_between_two_reads_is_a_moving_source(stage: Embedded) -> None:
    """The stream has the invalid value, the query for examples has not: exit 75, and the next run is exact."""
    spec = stage.trades(100)

    def insert() -> None:
        stage.sql(
            "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
            "SELECT 'BTC', unhex('FF41'), 1, min(exchange_timestamp) FROM trades"
        )

    def delete() -> None:
        stage.sql("ALTER TABLE trades DELETE WHERE NOT isValidUTF8(trade_id) SETTINGS mutations_sync = 2")

    result = stage.run(spec, workers=1, adapters=moving(before=insert, after=delete))

    code, expected, found = refusal(result)
    assert (code, stage.published(spec)) == (75, 0), result
    assert "not to change while it is read" in expected
    assert "invalid value" in found
    assert (stage.run(spec).exit_code, stage.cold_ids(spec)) == (0, list(range(100)))


def test_a_row_without_a_hash_stops_the_run(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that is NULL would be left out of the sum, and the row with it: exit 65."""
    spec, whole = stage.trades(100), ClickHouseRows.hash_expression

    def with_nulls(rows: ClickHouseRows, *arguments: Any) -> str:
        return f"if(trade_id = '7', NULL, {whole(rows, *arguments)})"

    monkeypatch.setattr(ClickHouseRows, "hash_expression", with_nulls)
    with wiring.open_adapters(stage.settings()) as adapters:
        rows = adapters.source.describe(spec).rows
        with pytest.raises(DataError, match=r"a hash for each of 100 rows .*; found 99 hashes"):
            rows.fingerprint(Chunk(Window(None, 4_102_444_800_000_000)))


def test_a_written_file_that_disappears_before_verify_stops_the_run(stage: Embedded) -> None:
    """VERIFY reads the stored files, not the memory of this process: exit 69, and the next run writes them anew."""
    spec = stage.trades(100)

    def delete() -> None:
        for path in (stage.folder / "warehouse").rglob("*.parquet"):
            path.unlink()

    result = stage.run(spec, listeners=[before("before:verify", delete)])

    assert (result.exit_code, stage.published(spec)) == (69, 0), result
    assert (stage.run(spec).exit_code, stage.cold_ids(spec)) == (0, list(range(100)))


def test_a_file_that_clickhouse_does_not_read_is_no_file_without_rows(stage: Embedded) -> None:
    """A query over several files may skip one without an error; its fingerprint is missing then: exit 65."""
    spec = stage.trades(100)
    assert stage.run(spec).exit_code == 0
    path, *_ = (task.file.file_path for task in stage.iceberg(spec).scan().plan_files())
    with wiring.open_adapters(stage.settings()) as adapters:
        verifier = adapters.source.describe(spec).verifier
        with pytest.raises(DataError, match=r"2 written files .*; found 1 that it cannot read, such as .*missing"):
            verifier.stored([path, f"{path}.missing.parquet"])


def test_a_table_without_rows_cannot_be_adopted(stage: Embedded) -> None:
    """There is nothing to compare: `offload run` creates and fills the table."""
    spec = stage.trades(100)

    with (
        wiring.open_adapters(stage.settings()) as adapters,
        pytest.raises(DataError, match=r"rows in cold\.trades to adopt; found no such table; next: .*offload run"),
    ):
        adopt(adapters, spec, "run")


def test_a_token_that_cannot_be_read_stops_the_run(stage: Embedded) -> None:
    """The run does not guess a watermark."""
    spec = stage.trades(100)
    assert stage.run(spec).exit_code == 0
    with stage.iceberg(spec).transaction() as transaction:
        transaction.set_properties({TOKEN: "not a token"})

    code, expected, found = refusal(stage.run(spec))

    assert (code, found) == (65, "not a token")
    assert f"a token in property {TOKEN}" in expected


def test_a_timestamp_of_another_precision_stops_the_run(stage: Embedded) -> None:
    """The watermark counts microseconds; in a column of milliseconds it would mean another time."""
    spec = stage.trades(100, engine="MergeTree ORDER BY (symbol, trade_id)")
    assert stage.run(spec).exit_code == 0
    stage.sql("ALTER TABLE trades MODIFY COLUMN exchange_timestamp DateTime64(3, 'UTC')")

    code, expected, found = refusal(stage.run(spec))

    assert (code, found) == (65, "3 digits")
    assert "with 6 digits after the second" in expected
