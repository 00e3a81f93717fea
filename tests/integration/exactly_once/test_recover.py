"""RECOVER finds changes by other jobs: a changed cold table stops the run, a changed store is repaired."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from harness.checkers.invariants import check_rows
from harness.checkers.snapshots import check_nothing_added
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers import clickhouse
from harness.readers.iceberg import opened, read_cold, read_history
from harness.subjects.offload_cli import TOKEN
from harness.trades import tagged
from harness.verdict import assert_all
from offload.errors import DataError
from offload.results import RunResult
from tests.support.offload import check_invariants, run_offload


def roll_back(table: Any) -> None:
    """Roll back to the snapshot before the current one."""
    table.manage_snapshots().rollback_to_snapshot(table.current_snapshot().parent_snapshot_id).commit()


def append(table: Any) -> None:
    """Copies of five rows."""
    table.append(table.scan().to_arrow().slice(0, 5))


def delete_rows(table: Any) -> None:
    """One row of a file, which is rewritten."""
    table.delete("trade_id == 'trade-7'")


def delete_files(table: Any) -> None:
    """Every row: whole files."""
    table.delete("exchange == 'binance'")


def swap(table: Any) -> None:
    """Replace all rows by as many others."""
    table.overwrite(replaced(table.scan().to_arrow()))


def drop(table: Any) -> None:
    """Drop the table from the catalog."""
    table.catalog.drop_table(table.name())


def recreate(table: Any) -> Any:
    """Drop and create the table: empty, with the same columns."""
    drop(table)
    return table.catalog.create_table(table.name(), table.schema(), partition_spec=table.spec())


def recreate_with_properties(table: Any) -> None:
    """With the properties of the old table, as a copy has them."""
    drop(table)
    table.catalog.create_table(table.name(), table.schema(), properties=dict(table.properties))


def recreate_filled(table: Any) -> None:
    """Drop and create the table, with its rows."""
    rows = table.scan().to_arrow()
    recreate(table).append(rows)


CHANGES = {
    "rolled_back": (roll_back, "offload adopt"),
    "appended_to": (append, "offload adopt"),
    "row_deleted": (delete_rows, "offload adopt"),
    "emptied": (delete_files, "offload adopt"),
    "rows_swapped": (swap, "offload adopt"),
    "dropped": (drop, "offload watermark repair"),
    "recreated": (recreate, "offload watermark repair"),
    "recreated_with_properties": (recreate_with_properties, "offload adopt"),
    "recreated_and_filled": (recreate_filled, "offload"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_that_another_job_has_changed_stops_the_run(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    change: str,
) -> None:
    """Exit 65, a message with the next command, and no change: neither of cold nor of the store's watermark."""
    environment = published_in_two(new_environment(), hot, offload)
    act, command = CHANGES[change]
    with opened(environment.cold) as table:
        act(table)
    before, row, files = state_of(environment)

    refused = offload(environment).tables[0]
    after, row_after, files_after = state_of(environment)

    assert refused.error is not None
    assert (refused.exit_code, refused.error["kind"], refused.rows) == (65, DataError.__name__, 0), refused.error
    assert f"{command} " in refused.error["next"]
    assert environment.table in refused.error["next"]
    assert_all(check_nothing_added(before, after))
    assert (row_after["watermark_ticks"], row_after["status"], files_after) == (row["watermark_ticks"], "failed", files)


def test_adopt_after_a_rollback_lets_the_next_run_publish_the_lost_rows_again(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """The command in the message works: the rows are those of hot up to the newest one."""
    environment = published_in_two(new_environment(), hot, offload)
    with opened(environment.cold) as table:
        roll_back(table)
    assert offload(environment).exit_code == 65

    adopted = run_offload(["adopt", environment.table, "--json"], environment)
    next_run = offload(environment)

    assert adopted.returncode == 0, adopted.stderr
    assert next_run.exit_code == 0
    assert_all(check_rows(environment, hot["one"][2]))


def test_watermark_repair_after_a_drop_lets_the_next_run_start_from_the_first_row(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """The command in the message works."""
    environment = published_in_two(new_environment(), hot, offload)
    with opened(environment.cold) as table:
        drop(table)
    assert offload(environment).exit_code == 65

    repaired = run_offload(["watermark", "repair", environment.table, "--json"], environment)
    next_run = offload(environment)

    assert repaired.returncode == 0, repaired.stderr
    assert (next_run.exit_code, next_run.tables[0].rows) == (0, 1200)
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_table_that_another_job_filled_is_adopted_when_it_is_equal(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """The run ends with 65 and names adopt; adopt compares and accepts the table; the next run publishes the rest."""
    environment = foreign(new_environment(), hot, offload, lambda rows: rows)
    before = read_history(environment.cold)

    refused = offload(environment).tables[0]
    history = read_history(environment.cold)
    adopted = run_offload(["adopt", environment.table, "--json"], environment)
    next_run = offload(environment)

    assert refused.error is not None
    assert (refused.exit_code, refused.error["next"]) == (65, f"offload adopt {environment.table}")
    assert_all(check_nothing_added(before, history))
    assert adopted.returncode == 0, adopted.stderr
    assert json.loads(adopted.stdout)["rows"] == 600
    assert (next_run.exit_code, next_run.tables[0].rows) == (0, 600), next_run.tables[0].error
    assert_all(check_rows(environment, hot["one"][2]))


def altered(rows: Any) -> Any:
    """One digit of one price."""
    values = rows.to_pylist()
    values[300]["price"] += Decimal("0.00000001")
    return pa.Table.from_pylist(values, schema=rows.schema)


def without_one(rows: Any) -> Any:
    """All but one in the middle."""
    return pa.concat_tables([rows.slice(0, 300), rows.slice(301)])


def with_one_twice(rows: Any) -> Any:
    """One of them doubled."""
    return pa.concat_tables([rows, rows.slice(300, 1)])


@pytest.mark.parametrize("change", [altered, without_one, with_one_twice])
def test_a_table_that_another_job_filled_with_other_rows_is_not_adopted(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    change: Callable[[Any], Any],
) -> None:
    """One row changed, missing or doubled: adopt ends with 65, and so does each later run."""
    environment = foreign(new_environment(), hot, offload, change)
    before = read_history(environment.cold)

    adopted = run_offload(["adopt", environment.table, "--json"], environment)

    assert adopted.returncode == 65, adopted.stdout
    assert set(json.loads(adopted.stdout)["error"]) == {"kind", "expected", "found", "next"}
    assert offload(environment).exit_code == 65
    assert_all(check_nothing_added(before, read_history(environment.cold)))


DAMAGE = {
    "ahead": "UPDATE offload_watermarks SET watermark_ticks = 4102444800000000,"
    " last_offload_timestamp = '2100-01-01 00:00:00.000000'",
    "behind": "UPDATE offload_watermarks SET watermark_ticks = 0,"
    " last_offload_timestamp = '1970-01-01 00:00:00.000000'",
    "negative": "UPDATE offload_watermarks SET watermark_ticks = -1",
    "nulls": "UPDATE offload_watermarks SET watermark_ticks = NULL, last_offload_timestamp = NULL,"
    " last_offload_max_sequence = NULL, status = NULL, owner = NULL, failure_count = NULL",
    "row_missing": "DELETE FROM offload_watermarks",
    "status_garbage": "UPDATE offload_watermarks SET status = 'garbage', watermark_ticks = 1",
    "timestamp_alone": "UPDATE offload_watermarks SET last_offload_timestamp = '2100-01-01 00:00:00.000000'",
    "sequence_alone": "UPDATE offload_watermarks SET last_offload_max_sequence = '1'",
    "timestamp_garbage": "UPDATE offload_watermarks SET last_offload_timestamp = 'garbage'",
    "ticks_garbage": "UPDATE offload_watermarks SET watermark_ticks = 'garbage'",
    "all_null": "UPDATE offload_watermarks SET (last_offload_timestamp, last_offload_max_sequence,"
    " last_offload_row_count, status, last_successful_run, last_run_duration_seconds, failure_count, created_at,"
    " updated_at, owner, locked, claimed_at, heartbeat_at, watermark_ticks, cold_table_uuid) ="
    " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "ahead_by_a_second": "UPDATE offload_watermarks SET watermark_ticks = watermark_ticks + 1000000,"
    " last_offload_timestamp = strftime('%Y-%m-%d %H:%M:%f000', last_offload_timestamp, '+1 seconds')",
    "behind_by_a_second": "UPDATE offload_watermarks SET watermark_ticks = watermark_ticks - 1000000,"
    " last_offload_timestamp = strftime('%Y-%m-%d %H:%M:%f000', last_offload_timestamp, '-1 seconds')",
    "far_past": "UPDATE offload_watermarks SET watermark_ticks = -62135596800000000,"
    " last_offload_timestamp = '0001-01-01 00:00:00.000000'",
    "far_future": "UPDATE offload_watermarks SET watermark_ticks = 253402300799999999,"
    " last_offload_timestamp = '9999-12-31 23:59:59.999999'",
    "of_another_table": "UPDATE offload_watermarks SET cold_table_uuid = '00000000-0000-4000-8000-000000000000'",
    "of_another_source": "UPDATE offload_watermarks SET cold_table_uuid = '00000000-0000-4000-8000-000000000000',"
    " watermark_ticks = watermark_ticks + 7000000, last_offload_max_sequence = '1', epoch = epoch + 40,"
    " last_offload_timestamp = strftime('%Y-%m-%d %H:%M:%f000', last_offload_timestamp, '+7 seconds')",
    "epoch_behind": "UPDATE offload_watermarks SET epoch = 0, watermark_ticks = 1",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_store_with_another_watermark_is_repaired_with_a_warning(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    damage: str,
) -> None:
    """The table decides: no row is skipped or published twice, whatever the store has."""
    environment = new_environment()
    assert offload(environment, until=hot["one"][1].time_at(0.499)).exit_code == 0
    environment.store(DAMAGE[damage])

    result = offload(environment).tables[0]

    assert result.error is None
    assert result.rows == 600
    assert any("repaired" in warning for warning in result.warnings), result.warnings
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_source_that_was_recreated_stops_the_run(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """A recreated hot table of the same name is another table: the watermark is not about its rows."""
    environment = published_in_two(new_environment(), hot, offload)
    made = tagged.TaggedTrades(50, tag="new-", start=tagged.START - timedelta(days=9))
    with clickhouse.opened(environment.dsn) as client:
        ddl = client.command(f"SHOW CREATE TABLE {environment.table}").replace("\\n", "\n").replace("\\'", "'")
        client.command(f"DROP TABLE {environment.table} SYNC")
        client.command(ddl)
        tagged.insert(client, environment.table, made)

    refused = offload(environment)

    assert refused.exit_code == 65


def replaced(rows: Any) -> Any:
    """The same rows under other ids."""
    at = rows.schema.get_field_index("trade_id")
    ids = pa.array([f"other-{number}" for number in range(rows.num_rows)], rows.schema.field(at).type)
    return rows.set_column(at, rows.schema.field(at), ids)


def published_in_two(
    environment: EmbeddedEnvironment, hot: dict[str, Any], offload: Callable[..., RunResult]
) -> EmbeddedEnvironment:
    """The environment after two runs that published half of the trades each."""
    assert offload(environment, until=hot["one"][1].time_at(0.499)).exit_code == 0
    assert offload(environment).tables[0].rows == 600
    return environment


def foreign(
    environment: EmbeddedEnvironment,
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    change: Callable[[Any], Any],
) -> EmbeddedEnvironment:
    """The environment with a cold table that another job filled with the first half, changed, and an empty store."""
    assert offload(environment, until=hot["one"][1].time_at(0.499)).exit_code == 0
    rows = change(read_cold(environment.cold))
    with opened(environment.cold) as table:
        drop(table)
        table.catalog.create_table(table.name(), table.schema()).append(rows)
    environment.store("DELETE FROM offload_watermarks")
    environment.store("DELETE FROM offload_runs")
    return environment


def state_of(environment: EmbeddedEnvironment) -> tuple[Any, dict[str, Any], set[Any]]:
    """The cold table's history (none: no such table), the store's row, and every file of the warehouse."""
    history = read_history(environment.cold, token=TOKEN, missing_ok=True)
    return (
        history,
        environment.watermark_row(),
        {path for path in (environment.folder / "warehouse").rglob("*") if path.is_file()},
    )
