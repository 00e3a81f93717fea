"""Audit holds any pair of tables against each other, also a cold table that another job filled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import MonthTransform

from offload.model.table import TableSpec
from offload.results import TableAudit
from tests.support.embedded import PLAIN, REPLACING, Embedded

BY_MONTH = PartitionSpec(PartitionField(5, 1000, MonthTransform(), "month"))


def counts(found: TableAudit) -> tuple[int, int, int, int, int, int]:
    """The counts of an audit."""
    return found.hot_rows, found.cold_rows, found.missing, found.extra, found.different, found.doubled


def filled(stage: Embedded, spec: TableSpec, rows: pa.Table, partition: PartitionSpec | None = None) -> TableSpec:
    """Another job's table with these rows, in the columns of ours; the pair of it and our hot table."""
    columns = stage.iceberg(spec).schema()
    with stage.catalog() as catalog:
        other = catalog.create_table("cold.other", columns, partition_spec=partition or PartitionSpec())
        if rows.num_rows:
            other.append(rows)
    return replace(spec, name=spec.source, target="cold.other", declared=False)


def published(stage: Embedded, rows: int = 100, engine: str = PLAIN) -> tuple[TableSpec, pa.Table]:
    """A table of trades, and its rows as they are in cold."""
    spec = stage.trades(rows, engine=engine)
    assert stage.run(spec).exit_code == 0
    return spec, stage.cold(spec)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("partition", [None, BY_MONTH], ids=["no partition", "by month"])
def test_a_table_that_another_job_filled_is_equal(stage: Embedded, partition: PartitionSpec | None) -> None:
    """Whatever its partition; the report says that it has no token, and no file changes."""
    spec, rows = published(stage)
    pair = filled(stage, spec, rows, partition)
    before = files(stage.folder)

    found = stage.audit(pair)

    assert (counts(found), found.equal, found.token) == ((100, 100, 0, 0, 0, 0), True, False), found
    assert found.window is not None
    assert found.window["to"] == "2024-08-01T00:00:00.099000Z"
    assert files(stage.folder) == before


def test_our_own_table_has_a_token(stage: Embedded) -> None:
    """And is compared up to its watermark, which is the newest row."""
    spec, _ = published(stage)
    stage.insert_trades("numbers(100, 5)")

    found = stage.audit(spec)

    assert (counts(found), found.equal, found.token) == ((100, 100, 0, 0, 0, 0), True, True)


@pytest.mark.parametrize("engine", [PLAIN, REPLACING])
def test_each_kind_of_difference_is_counted(stage: Embedded, engine: str) -> None:
    """One row that is missing, one that hot lacks, one with another price, and one twice."""
    spec, rows = published(stage, engine=engine)
    ids = rows.column("trade_id").to_pylist()
    kept = rows.filter(pa.array([one != "50" for one in ids]))
    pair = filled(stage, spec, pa.concat_tables([kept, rows.filter(pa.array([one == "7" for one in ids]))]))
    stage.sql("ALTER TABLE trades DELETE WHERE trade_id = '20' SETTINGS mutations_sync = 2")
    stage.sql("ALTER TABLE trades UPDATE price = 7 WHERE trade_id = '30' SETTINGS mutations_sync = 2")

    found = stage.audit(pair)

    # A further copy of a key is an extra row as well.
    assert (counts(found), found.exit_code) == ((99, 100, 1, 2, 1, 1), 65), found


def test_rows_after_the_newest_of_cold_are_not_missing_yet(stage: Embedded) -> None:
    """The other job may not have come so far; `--to` says how far it should have come."""
    spec, rows = published(stage)
    first = rows.filter(pa.array([int(one) < 60 for one in rows.column("trade_id").to_pylist()]))
    pair = filled(stage, spec, first)

    behind = stage.audit(pair)
    asked = stage.audit(pair, end="2024-08-01T00:00:00.079")
    part = stage.audit(pair, start="2024-08-01T00:00:00.01", end="2024-08-01T00:00:00.049")

    assert (counts(behind)[:3], behind.exit_code) == ((60, 60, 0), 0)
    assert (counts(asked)[:3], asked.exit_code) == ((80, 60, 20), 65)
    assert (counts(part)[:3], part.exit_code) == ((40, 40, 0), 0)


def test_a_cold_table_without_rows_is_nothing_to_audit(stage: Embedded) -> None:
    """Unless `--to` says how far it should have come: then every row is missing."""
    spec, rows = published(stage)
    pair = filled(stage, spec, rows.slice(0, 0))

    nothing = stage.audit(pair)
    absent = stage.audit(replace(pair, target="cold.absent"))
    asked = stage.audit(pair, end="2024-08-01T00:00:00.049")

    assert nothing.error
    assert absent.error
    assert (nothing.exit_code, nothing.error["found"], nothing.token) == (65, "a table without rows", None)
    assert (absent.exit_code, absent.error["found"]) == (65, "no such table")
    assert "--target-table" in absent.error["next"]
    assert (counts(asked)[:3], asked.exit_code) == ((50, 0, 50), 65)


def test_other_columns_are_named_and_not_compared(stage: Embedded) -> None:
    """A column that cold lacks would be read as its default."""
    spec, rows = published(stage)
    pair = filled(stage, spec, rows)
    with (
        stage.catalog() as catalog,
        catalog.load_table("cold.other").update_schema(allow_incompatible_changes=True) as schema,
    ):
        schema.delete_column("price")

    found = stage.audit(pair)

    assert found.error
    assert (found.exit_code, found.equal) == (65, False)
    assert "price: hot decimal(18, 8) required, cold has none" in found.error["found"]
