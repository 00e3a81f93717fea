"""Another engine changes the cold table's partition, order, metrics, properties or rows: found before any work."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pyiceberg.expressions import EqualTo
from pyiceberg.transforms import HourTransform, IdentityTransform, MonthTransform

from harness.subjects.listeners import CallOnce
from offload.model.table import TableSpec
from tests.support.compaction import replace_files
from tests.support.embedded import Embedded

OF_TWO_DAYS = "172800000"


def published(stage: Embedded) -> TableSpec:
    """A table of two days, published, with new rows of a third day."""
    stage.trades(1000, step=OF_TWO_DAYS)
    spec = stage.declared("trades")
    assert stage.run(spec).exit_code == 0
    stage.insert_trades("numbers(1000, 400)", step=OF_TWO_DAYS)
    return spec


def by(transform: Any) -> Callable[[Any], None]:
    """Replace the partition by another transform of the timestamp."""

    def change(table: Any) -> None:
        with table.update_spec() as update:
            update.remove_field("exchange_timestamp_day")
            update.add_field("exchange_timestamp", transform)

    return change


def add_symbol(table: Any) -> None:
    """One partition field more."""
    with table.update_spec() as update:
        update.add_field("symbol", IdentityTransform())


def properties(**changes: str) -> Callable[[Any], None]:
    """Set table properties."""

    def change(table: Any) -> None:
        with table.transaction() as transaction:
            transaction.set_properties({name.replace("__", "."): value for name, value in changes.items()})

    return change


def without(name: str) -> Callable[[Any], None]:
    """Unset a property."""

    def change(table: Any) -> None:
        with table.transaction() as transaction:
            transaction.remove_properties(name)

    return change


REFUSED = {
    "by hour": (by(HourTransform()), "declare partition"),
    "by month": (by(MonthTransform()), 'declare partition = [{column = "exchange_timestamp", transform = "month"}]'),
    "by symbol too": (add_symbol, "declare partition"),
    "no metrics": (properties(write__metadata__metrics__default="none"), "'full'"),
    "counts only": (properties(write__metadata__metrics__default="counts"), "'full'"),
    "counts of the timestamp": (
        properties(write__metadata__metrics__column__exchange_timestamp="counts"),
        "write.metadata.metrics.column.exchange_timestamp",
    ),
    "no snapshot id": (without("tidemark.snapshot-id"), "offload adopt"),
    "no record count": (without("tidemark.total-records"), "offload adopt"),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_new_files_depend_on_is_compared_before_any_work(stage: Embedded, change: str) -> None:
    """65 in RECOVER, with the statement or the declaration that mends it; no file is written."""
    spec = published(stage)
    act, next_step = REFUSED[change]
    act(stage.iceberg(spec))
    events: list[str] = []

    result = stage.run(spec, listeners=[lambda event: events.append(str(event))])

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert result.error is not None
    assert next_step in result.error["next"], result.error
    assert "before:plan" not in events


@pytest.mark.parametrize("transform", [HourTransform(), MonthTransform()])
def test_a_partition_that_changes_before_the_commit_publishes_nothing_wrong(stage: Embedded, transform: Any) -> None:
    """Entries made for days are never read as hours: a filter finds every row that was published."""
    spec = published(stage)

    def change() -> None:
        by(transform)(stage.iceberg(spec))
        replace_files(stage.iceberg(spec))

    first = stage.run(spec, listeners=[CallOnce("before:publish", change)])

    assert first.exit_code in {65, 75}, first
    found = stage.iceberg(spec).scan(row_filter="exchange_timestamp >= '2024-08-02T00:00:00+00:00'").to_arrow()
    assert found.num_rows == 500
    assert stage.cold(spec).num_rows == 1000


def test_files_say_the_order_that_they_have(stage: Embedded) -> None:
    """After another engine has changed the table's order, new files have the id of the order in which they are."""
    spec = published(stage)
    with stage.iceberg(spec).update_sort_order() as update:
        update.asc("trade_id", IdentityTransform())

    assert stage.run(spec).exit_code == 0

    table = stage.iceberg(spec)
    ids = {task.file.sort_order_id for task in table.scan().plan_files()}
    orders = {order.order_id: [field.source_id for field in order.fields] for order in table.metadata.sort_orders}
    wanted = [table.schema().find_field(name).field_id for name in spec.sort]
    assert [orders[one] for one in ids if one] == [wanted]


def change_a_price(table: Any) -> None:
    """One row with another price, by an overwrite."""
    rows = table.scan(row_filter=EqualTo("trade_id", "7")).to_arrow().to_pylist()
    rows[0]["price"] += Decimal(1)
    import pyarrow as pa

    table.overwrite(
        pa.Table.from_pylist(rows, schema=table.scan().to_arrow().schema), overwrite_filter=EqualTo("trade_id", "7")
    )


def delete_and_append(table: Any) -> None:
    """One row gone, and a copy of another."""
    rows = table.scan(row_filter=EqualTo("trade_id", "8")).to_arrow()
    table.delete(EqualTo("trade_id", "7"))
    table.append(rows)


@pytest.mark.parametrize("change", [change_a_price, delete_and_append])
@pytest.mark.parametrize("expired", [False, True])
def test_a_change_of_rows_is_found_also_when_the_published_snapshot_has_expired(
    stage: Embedded, change: Callable[[Any], None], *, expired: bool
) -> None:
    """The number of rows is the same; the snapshots that are still listed tell."""
    spec = published(stage)
    ours = stage.iceberg(spec).current_snapshot().snapshot_id
    change(stage.iceberg(spec))
    if expired:
        stage.iceberg(spec).maintenance.expire_snapshots().by_id(ours).commit()

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (65, 0), result
    assert result.error is not None
    assert "adopt" in result.error["next"]


def test_a_table_that_is_compacted_and_expired_goes_on(stage: Embedded) -> None:
    """The published snapshot is gone; what came after it left the rows as they were."""
    spec = published(stage)
    ours = stage.iceberg(spec).current_snapshot().snapshot_id
    replace_files(stage.iceberg(spec))
    stage.iceberg(spec).maintenance.expire_snapshots().by_id(ours).commit()

    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows) == (0, 400, 0), result


def test_rows_that_were_deleted_before_a_compaction_and_an_expiry_are_missed(stage: Embedded) -> None:
    """No snapshot that is left tells of the delete: only the number of rows does."""
    spec = published(stage)
    stage.iceberg(spec).delete(EqualTo("trade_id", "7"))
    old = [snapshot.snapshot_id for snapshot in stage.iceberg(spec).snapshots()]
    replace_files(stage.iceberg(spec))
    stage.iceberg(spec).maintenance.expire_snapshots().by_ids(old).commit()

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (65, 0), result
    assert "another job added or deleted some" in str(result.error)
