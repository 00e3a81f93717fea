"""Published rows that hot has changed are replaced, copy on write, in one snapshot; killed or fenced, whole or not."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from typing import Any

import pytest

from harness.subjects.listeners import CallOnce
from offload.clickhouse.verifier import ClickHouseVerifier
from offload.iceberg.rewriter import IcebergRewriter
from offload.model.table import TableSpec
from tests.support.compaction import replace_files
from tests.support.embedded import PLAIN, REPLACING, START, Embedded

OF_TWO_DAYS = "172800000"
ROWS = 1000


def published(stage: Embedded, *, engine: str = REPLACING, **declared: Any) -> TableSpec:
    """A table of 1,000 rows over two days, published in two commits, whose changed rows are replaced."""
    stage.trades(ROWS // 2, engine=engine, step=OF_TWO_DAYS)
    spec = stage.declared("trades", **({"changed": "replace", "late": "sweep"} | declared))
    assert stage.run(spec).rows == ROWS // 2
    stage.insert_trades(f"numbers({ROWS // 2}, {ROWS // 2})", step=OF_TWO_DAYS)
    assert stage.run(spec).rows == ROWS // 2
    return spec


def change(stage: Embedded, numbers: str = "numbers(100, 20)", price: str = "number + 7000") -> None:
    """Insert other contents for these rows."""
    stage.insert_trades(numbers, step=OF_TWO_DAYS, price=price)


def prices(stage: Embedded, spec: TableSpec) -> dict[int, Decimal]:
    """The price in cold by trade id, to the cent (`insert_trades` divides floats); each id once."""
    cold = stage.cold(spec, ["trade_id", "price"])
    found = {
        int(key): round(value, 2)
        for key, value in zip(cold["trade_id"].to_pylist(), cold["price"].to_pylist(), strict=True)
    }
    assert len(found) == cold.num_rows, "a key is in cold twice"
    return found


def expected(changed: range = range(100, 120)) -> dict[int, Decimal]:
    """The prices of hot after `change`."""
    return {n: Decimal(n + 7000) if n in changed else Decimal(n) / 100 for n in range(ROWS)}


def exact(stage: Embedded, spec: TableSpec, prices_now: dict[int, Decimal]) -> None:
    """Cold has what hot has, and a further run changes nothing."""
    snapshots = stage.published(spec)
    again, audit = stage.run(spec), stage.audit(spec)
    assert prices(stage, spec) == prices_now
    assert (again.exit_code, again.rows, again.changed_rows, again.late_rows) == (0, 0, 0, 0), again
    assert stage.published(spec) == snapshots
    assert audit.equal, audit


def exact_after(stage: Embedded, spec: TableSpec) -> None:
    """The next run replaces what this one did not."""
    assert stage.run(spec).exit_code == 0
    exact(stage, spec, expected())


@pytest.mark.parametrize("merged", [False, True])
def test_changed_rows_are_replaced_in_one_snapshot(stage: Embedded, *, merged: bool) -> None:
    """Whether or not a merge has removed the old versions by then; the token says how many, the watermark stays."""
    spec = published(stage)
    before, snapshots = json.loads(stage.iceberg(spec).properties["tidemark.token"]), stage.published(spec)
    change(stage)
    if merged:
        stage.sql("OPTIMIZE TABLE trades FINAL")

    result = stage.run(spec)

    table = stage.iceberg(spec)
    token = json.loads(table.properties["tidemark.token"])
    assert (result.exit_code, result.rows, result.changed_rows, result.replaced_rows) == (0, 0, 20, 20), result
    assert list(result.warnings) == []
    assert stage.published(spec) == snapshots + 1
    assert (token["rows"], token["replaced_rows"]) == (0, 20)
    assert token["watermark_ticks"] == before["watermark_ticks"]
    assert table.current_snapshot().summary["total-records"] == str(ROWS)
    assert not [task for task in table.scan().plan_files() if task.delete_files]
    exact(stage, spec, expected())


def test_a_row_that_was_updated_in_place_is_replaced(stage: Embedded) -> None:
    """The number of rows, their times and their sequences are the same: the digests by hour are of all columns."""
    spec = published(stage, engine=PLAIN)
    stage.sql(
        "ALTER TABLE trades UPDATE price = toUInt32(trade_id) + 7000 WHERE toUInt32(trade_id) BETWEEN 100 AND 119 "
        "SETTINGS mutations_sync = 2"
    )

    result = stage.run(spec)

    assert (result.exit_code, result.changed_rows, result.replaced_rows) == (0, 20, 20), result
    exact(stage, spec, expected())


def test_every_row_of_a_file_and_rows_of_every_file_are_replaced(stage: Embedded) -> None:
    """A file of which no row is left is removed, and no empty one written for it."""
    spec = published(stage)
    change(stage, f"numbers({ROWS})")

    result = stage.run(spec)

    files = [task.file for task in stage.iceberg(spec).scan().plan_files()]
    assert (result.exit_code, result.replaced_rows) == (0, ROWS), result
    assert all(file.record_count for file in files)
    exact(stage, spec, expected(range(ROWS)))


def test_corrections_come_in_batches_of_bounded_size(stage: Embedded) -> None:
    """Each with a commit of its own."""
    spec = published(stage)
    change(stage, f"numbers({ROWS})")

    result = stage.run(spec, batch_rows=300)

    assert (result.exit_code, result.replaced_rows) == (0, ROWS), result
    assert result.batches > 2
    exact(stage, spec, expected(range(ROWS)))


def test_late_new_and_changed_rows_arrive_in_one_run(stage: Embedded) -> None:
    """In one hour, too."""
    spec = published(stage)
    change(stage)
    stage.insert_trades("numbers(2000, 5)", start=f"{START} + INTERVAL 5 HOUR")
    stage.insert_trades("numbers(3000, 5)", start=f"{START} + INTERVAL 3 DAY")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.swept_rows, result.replaced_rows) == (0, 10, 5, 20), result
    others = {n: Decimal(n) / 100 for n in (*range(2000, 2005), *range(3000, 3005))}
    exact(stage, spec, expected() | others)


def test_a_row_that_changes_again_is_replaced_again(stage: Embedded) -> None:
    """Also one that changes back."""
    spec = published(stage)
    change(stage)
    assert stage.run(spec).replaced_rows == 20
    change(stage, price="number / 100")

    result = stage.run(spec)

    assert (result.exit_code, result.replaced_rows) == (0, 20), result
    exact(stage, spec, expected(range(0)))


def test_a_table_that_kept_first_contents_replaces_them_once_it_is_declared_so(stage: Embedded) -> None:
    """Also rows that were changed in place before, which the digests of a table that keeps do not show."""
    spec = published(stage, engine=PLAIN, changed="keep")
    stage.sql(
        "ALTER TABLE trades UPDATE price = toUInt32(trade_id) + 7000 WHERE toUInt32(trade_id) BETWEEN 100 AND 119 "
        "SETTINGS mutations_sync = 2"
    )
    assert stage.run(spec).changed_rows == 0

    result = stage.run(replaces := stage.declared("trades", changed="replace", late="sweep"))

    assert (result.exit_code, result.replaced_rows) == (0, 20), result
    exact(stage, replaces, expected())


def test_a_run_that_ends_before_the_watermark_replaces_nothing_and_warns(stage: Embedded) -> None:
    """`--until` moves no row later than that; the next run replaces them."""
    spec = published(stage)
    change(stage)

    first = stage.run(spec, until="2024-08-01T00:30:00Z")

    assert (first.exit_code, first.changed_rows, first.replaced_rows) == (0, 20, 0), first
    assert list(first.warnings) == ["20 published rows of cold.trades have not been replaced yet"]
    assert prices(stage, spec) == expected(range(0))
    exact_after(stage, spec)


def test_a_rewritten_file_has_the_folder_and_the_order_of_the_one_that_it_replaces(stage: Embedded) -> None:
    """An order that nobody knows, as of a compaction, is not given a name."""
    spec = published(stage)
    replace_files(stage.iceberg(spec))
    before = {task.file.file_path: task.file.sort_order_id for task in stage.iceberg(spec).scan().plan_files()}
    change(stage)

    assert stage.run(spec).replaced_rows == 20

    after = {task.file.file_path: task.file.sort_order_id for task in stage.iceberg(spec).scan().plan_files()}
    kept = {path: order for path, order in after.items() if "-kept" in path}
    assert set(before.values()) == {None}
    assert len(kept) == len(set(before) - set(after)) > 0
    assert set(kept.values()) == {None}
    assert {path.rpartition("/")[0] for path in kept} == {path.rpartition("/")[0] for path in set(before) - set(after)}
    assert {order for path, order in after.items() if path not in before and path not in kept} == {1}


def test_a_table_that_keeps_warns_and_leaves_the_first_content(stage: Embedded) -> None:
    """As declared, and by default."""
    spec = published(stage, changed="keep")
    change(stage)

    result = stage.run(spec)

    assert (result.exit_code, result.changed_rows, result.replaced_rows) == (0, 20, 0), result
    assert any("20 published rows have another content" in warning for warning in result.warnings)
    assert prices(stage, spec) == expected(range(0))


MOMENTS = ["before:write", "at:split_started", "at:file_written", "before:verify", "before:publish"]


@pytest.mark.parametrize("event", [*MOMENTS, "at:metadata_written", "after:publish"])
def test_a_correction_that_fails_anywhere_is_done_by_the_next_run(stage: Embedded, event: str) -> None:
    """Each old row is there, or each new one."""
    spec = published(stage)
    change(stage)

    def fail() -> None:
        raise ZeroDivisionError

    failed = stage.run(spec, listeners=[CallOnce(event, fail)])

    assert failed.exit_code in {70, 75}, failed
    assert prices(stage, spec) == expected(range(100, 120) if event == "after:publish" else range(0))
    assert stage.run(spec).exit_code == 0
    exact(stage, spec, expected())


def test_another_run_that_corrects_first_fences_this_one(stage: Embedded) -> None:
    """Both have found the same changed rows."""
    spec = published(stage)
    change(stage)
    others: list[Any] = []

    def other() -> None:
        with sqlite3.connect(stage.folder / "watermarks.db") as store:
            store.execute("UPDATE offload_watermarks SET status = 'failed', owner = 'nobody'")
        others.append(stage.run(spec))

    fenced = stage.run(spec, listeners=[CallOnce("before:publish", other)])

    assert [one.replaced_rows for one in others] == [20]
    assert (fenced.exit_code, fenced.error and fenced.error["kind"]) == (75, "Fenced"), fenced
    exact(stage, spec, expected())


@pytest.mark.parametrize("event", ["before:write", "before:publish"])
def test_a_compaction_during_a_correction_is_not_undone(stage: Embedded, event: str) -> None:
    """The files to remove are other ones by then: the run ends with 75, and the next one is exact."""
    spec = published(stage)
    change(stage)

    result = stage.run(spec, listeners=[CallOnce(event, lambda: replace_files(stage.iceberg(spec)))])

    assert (result.exit_code, result.error and result.error["kind"]) == (75, "Fenced"), result
    assert prices(stage, spec) == expected(range(0))
    exact_after(stage, spec)


def test_a_row_that_is_lost_or_altered_while_a_file_is_rewritten_is_found(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is compared with the published file, by another program than the one that wrote it."""
    spec = published(stage)
    change(stage)
    groups = IcebergRewriter._groups

    def one_row_less(self: IcebergRewriter, path: str, schema: Any) -> Any:
        for group in groups(self, path, schema):
            yield group.slice(1) if len(schema) > 2 else group

    with monkeypatch.context() as patch:
        patch.setattr(IcebergRewriter, "_groups", one_row_less)
        result = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert "-kept" in str(result.error)
    assert prices(stage, spec) == expected(range(0))
    exact_after(stage, spec)


def test_a_published_row_that_is_not_found_again_is_not_replaced(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that ClickHouse leaves out for a moment: the new row would come beside the old one."""
    spec = published(stage)
    change(stage)
    kept = ClickHouseVerifier.kept

    with monkeypatch.context() as patch:
        patch.setattr(ClickHouseVerifier, "kept", lambda self, paths, _replaced_by: kept(self, paths, ()))
        result = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (75, "SourceMoving"), result
    assert "20 changed ones" in str(result.error)
    assert prices(stage, spec) == expected(range(0))
    exact_after(stage, spec)


def test_files_older_than_a_column_are_rewritten_with_null(stage: Embedded) -> None:
    """A column that hot and cold got later."""
    spec = published(stage)
    stage.sql("ALTER TABLE trades ADD COLUMN note Nullable(String)")
    with stage.catalog() as catalog, catalog.load_table(spec.target).update_schema() as update:
        from pyiceberg.types import StringType

        update.add_column("note", StringType())
    change(stage)

    result = stage.run(spec)

    assert (result.exit_code, result.replaced_rows) == (0, 20), result
    exact(stage, spec, expected())
