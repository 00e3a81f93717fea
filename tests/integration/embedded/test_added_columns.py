"""A column that is added in hot and in cold: the run goes on, and every file can be read and compared."""

from __future__ import annotations

from typing import Any

import pytest
from pyiceberg.types import DoubleType, IntegerType, LongType, NestedField, StringType

from offload.model.table import TableSpec
from tests.support.embedded import REPLACING, START, Embedded


def add_in_cold(stage: Embedded, spec: TableSpec, name: str, kind: Any, *, required: bool = False) -> None:
    """As PyIceberg and Spark add a column: at the end, and optional."""
    with stage.iceberg(spec).update_schema(allow_incompatible_changes=required) as update:
        update.add_column(name, kind, required=required)


def published(stage: Embedded, **changes: Any) -> TableSpec:
    """A table of trades, published up to now."""
    stage.trades(100, engine=REPLACING)
    spec = stage.declared("trades", **changes)
    assert stage.run(spec).exit_code == 0
    return spec


def test_without_the_column_in_cold_the_message_names_the_statement(stage: Embedded) -> None:
    """The statement that Spark and Trino take, for every column that is missing."""
    spec = published(stage)
    stage.sql("ALTER TABLE trades ADD COLUMN venue String DEFAULT 'X', ADD COLUMN fee Float64")

    result = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert result.error is not None
    assert "ALTER TABLE cold.trades ADD COLUMNS (venue STRING, fee DOUBLE)" in result.error["next"]


COLUMNS = {
    "String DEFAULT 'X'": (StringType(), "X"),
    "String": (StringType(), ""),
    "Nullable(String)": (StringType(), None),
    "Float64 DEFAULT 0.5": (DoubleType(), 0.5),
    "Int64 DEFAULT sequence_number + 1": (LongType(), None),
}


@pytest.mark.parametrize("key", [("symbol", "trade_id"), ()])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("position", ["", "AFTER symbol"])
def test_the_run_goes_on_and_all_files_are_read(stage: Embedded, column: str, key: Any, position: str) -> None:
    """Old files lack the column, and are equal to hot's rows of that age; new ones have it."""
    kind, _ = COLUMNS[column]
    spec = published(stage, key=key)
    stage.sql(f"ALTER TABLE trades ADD COLUMN venue {column} {position}")
    add_in_cold(stage, spec, "venue", kind)
    stage.insert_trades("numbers(100, 50)")

    run, audit = stage.run(spec), stage.audit(spec)
    stage.insert_trades("numbers(5000, 3)", start=f"{START} - INTERVAL 1 MINUTE", step="0")
    late, both = stage.run(spec), stage.audit(spec)

    assert (run.exit_code, run.rows, run.late_rows) == (0, 50, 0), run
    assert audit.equal, audit
    assert (late.exit_code, late.late_rows, both.missing, both.different) == (0, 3, 3, 0), (late, both)
    assert stage.cold(spec).num_rows == 150


def test_only_old_files_are_compared(stage: Embedded) -> None:
    """A window whose files all lack the column."""
    spec = published(stage)
    stage.sql("ALTER TABLE trades ADD COLUMN venue Nullable(String)")
    add_in_cold(stage, spec, "venue", StringType())

    before = stage.audit(spec)
    stage.insert_trades("numbers(100000, 10)", step="1000000")
    assert stage.run(spec).exit_code == 0
    after = stage.audit(spec, start="2024-08-01T00:00:00Z", end="2024-08-01T00:00:01Z")

    assert (before.equal, after.equal) == (True, True), (before, after)


def test_a_required_column_that_older_files_lack_is_refused(stage: Embedded) -> None:
    """By force it can be added, and then no reader can read the older files: 65 before any work."""
    spec = published(stage)
    stage.sql("ALTER TABLE trades ADD COLUMN venue String DEFAULT 'X'")
    add_in_cold(stage, spec, "venue", StringType(), required=True)
    stage.insert_trades("numbers(100, 50)")

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (65, 0), result
    assert result.error is not None
    assert "ALTER COLUMN venue DROP NOT NULL" in result.error["next"]


def test_a_widened_column_is_compared_in_the_type_of_now(stage: Embedded) -> None:
    """Int32 became Int64 in both tiers; negative numbers of old files are the same numbers."""
    stage.sql("CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt32, n Int32) ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number, -number FROM numbers(50)")
    spec = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",))
    assert stage.run(spec).exit_code == 0
    stage.sql("ALTER TABLE t MODIFY COLUMN n Int64")
    with stage.iceberg(spec).update_schema() as update:
        update.update_column("n", field_type=LongType())
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number, -number FROM numbers(50, 50)")

    run, audit = stage.run(spec), stage.audit(spec)

    assert (run.exit_code, run.rows, run.late_rows, audit.equal) == (0, 50, 0, True), (run, audit)


def test_a_table_whose_columns_are_all_optional_is_adopted(stage: Embedded) -> None:
    """As Spark makes one."""
    spec = published(stage)
    rows = stage.cold(spec)
    table = stage.iceberg(spec)
    optional = [NestedField(f.field_id, f.name, f.field_type, required=False) for f in table.schema().fields]
    schema = type(table.schema())(*optional)
    spark = stage.declared("trades", target="cold.spark")
    with stage.catalog() as catalog:
        catalog.create_table("cold.spark", schema).append(rows.cast(schema.as_arrow()))

    adopted = stage.adopt(spark)
    stage.insert_trades("numbers(100, 50)")
    result = stage.run(spark)

    assert adopted["rows"] == 100
    assert (result.exit_code, result.rows, stage.audit(spark).equal) == (0, 50, True), result


def test_columns_of_another_type_are_refused(stage: Embedded) -> None:
    """An int is no string."""
    spec = published(stage)
    stage.sql("ALTER TABLE trades ADD COLUMN venue Nullable(String)")
    add_in_cold(stage, spec, "venue", IntegerType())

    result = stage.run(spec)

    assert (result.exit_code, result.error and "venue: hot string, cold int" in result.error["found"]) == (65, True)
