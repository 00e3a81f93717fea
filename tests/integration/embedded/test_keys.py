"""No interleaving doubles a key, also where a key can come again with another timestamp; audit checks it on cold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from harness.subjects.listeners import CallOnce
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from tests.support.compaction import replace_files
from tests.support.embedded import START, Embedded

A_DAY_ON = (
    "INSERT INTO trades (symbol, trade_id, sequence_number, price, exchange_timestamp, kafka_offset) "
    "SELECT symbol, trade_id, sequence_number, price, exchange_timestamp + INTERVAL 1 DAY, kafka_offset "
    "FROM trades WHERE {} LIMIT 1 BY symbol, trade_id"
)


def free(stage: Embedded, rows: int, step: str = "1000000") -> TableSpec:
    """A table whose timestamp does not follow its key."""
    stage.trades(rows, step=step)
    return stage.declared("trades", timestamp_follows_key=False)


def keys_once(stage: Embedded, spec: TableSpec) -> None:
    """I1, on what PyIceberg reads."""
    ids = stage.cold_ids(spec)
    assert len(ids) == len(set(ids)), ids


@pytest.mark.parametrize("event", ["after:plan", "at:split_started", "at:file_written", "before:verify"])
def test_a_key_of_the_window_that_comes_again_is_published_once(stage: Embedded, event: str) -> None:
    """At any event between PLAN and PUBLISH; at the latest the next run publishes it."""
    spec = free(stage, 100)

    first = stage.run(spec, listeners=[CallOnce(event, lambda: stage.sql(A_DAY_ON.format("trade_id = '8'")))])
    if stage.published(spec):
        keys_once(stage, spec)
    second = stage.run(spec)

    assert first.exit_code in {0, 75}, first
    assert second.exit_code == 0, second
    keys_once(stage, spec)
    assert set(stage.cold_ids(spec)) == set(range(100))


@pytest.mark.parametrize("event", ["after:recover", "after:plan", "at:split_started", "before:verify"])
def test_a_key_of_cold_that_comes_again_is_left_out(stage: Embedded, event: str) -> None:
    """PLAN has found none, and set no condition; the keys are compared once more before the commit."""
    spec = free(stage, 200)
    stage.run(spec, until="2024-08-01T00:01:40Z")

    first = stage.run(spec, listeners=[CallOnce(event, lambda: stage.sql(A_DAY_ON.format("trade_id = '8'")))])
    second = stage.run(spec)

    assert first.exit_code in {0, 75}, first
    assert second.exit_code == 0, second
    keys_once(stage, spec)
    assert set(stage.cold_ids(spec)) == set(range(200))


def rewritten(stage: Embedded, spec: TableSpec) -> None:
    """Rewrite all data files into one as a compaction does (`replace`), expire, and remove the old files at once."""
    table = stage.iceberg(spec)
    old = [Path(urlsplit(task.file.file_path).path) for task in table.scan().plan_files()]
    replace_files(table)
    for file in old:
        file.unlink()


@pytest.mark.parametrize("event", ["after:recover", "after:plan", "at:file_written"])
def test_a_compaction_that_removes_its_files_at_once_doubles_no_key(stage: Embedded, event: str) -> None:
    """Files that are gone hold keys that must be found: 75, and the next run reads the files that replaced them."""
    spec = free(stage, 200)
    stage.run(spec, until="2024-08-01T00:01:40Z")
    stage.sql(A_DAY_ON.format("toUInt64(trade_id) < 20"))

    first = stage.run(spec, listeners=[CallOnce(event, lambda: rewritten(stage, spec))], workers=1)
    second = stage.run(spec)

    assert first.exit_code in {0, 75}, first
    assert second.exit_code == 0, second
    assert second.late_rows == 0, second
    keys_once(stage, spec)
    assert set(stage.cold_ids(spec)) == set(range(200))


def test_a_data_file_that_is_lost_is_no_late_row(stage: Embedded) -> None:
    """The table still lists it: 65, and no later run counts its rows as late."""
    spec = stage.trades(100, step="1000000")
    stage.run(spec)
    (task,) = list(stage.iceberg(spec).scan().plan_files())[:1]
    Path(urlsplit(task.file.file_path).path).unlink()
    stage.insert_trades("numbers(1000, 1)", start=START, step="1")

    result = stage.run(spec)

    assert (result.exit_code, result.late_rows, result.error and result.error["kind"]) == (65, 0, "DataError"), result
    assert result.error is not None
    assert "restore them from a backup" in result.error["next"]


def test_audit_counts_keys_that_cold_has_twice(stage: Embedded) -> None:
    """Two deliveries in hot and two in cold are equal, and yet a key is doubled."""
    spec = free(stage, 100)
    stage.run(spec)
    stage.sql(A_DAY_ON.format("trade_id = '8'"))
    table = stage.iceberg(spec)
    row = [one for one in table.scan().to_arrow().to_pylist() if one["trade_id"] == "8"]
    row[0]["exchange_timestamp"] += timedelta(days=1)
    table.append(pa.Table.from_pylist(row, schema=table.scan().to_arrow().schema))
    move_watermark(stage, spec)

    found = stage.audit(spec)

    assert (found.equal, found.doubled, found.exit_code) == (False, 1, 65), found


def move_watermark(stage: Embedded, spec: TableSpec) -> None:
    """Let the table's token cover two days more, so that audit compares them."""
    table = stage.iceberg(spec)
    token = CommitToken.loads(table.properties["tidemark.token"])
    later = replace(token, watermark_ticks=(token.watermark_ticks or 0) + 2 * 86_400 * 10**6)
    with table.transaction() as transaction:
        transaction.set_properties({"tidemark.token": later.dumps()})
