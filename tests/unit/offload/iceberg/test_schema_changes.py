"""How a change of columns is staged: what it may be, and what the catalog asserts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.types import DecimalType, IntegerType, ListType, LongType, MapType, NestedField, StringType

from offload.errors import DataError
from offload.iceberg.catalog import ObservedCatalog
from offload.iceberg.fence import _same_schema
from offload.iceberg.schema_changes import check_schema, follow
from offload.iceberg.staging import Staging
from offload.model.columns import Column, TableSchema, TypeMapping
from offload.model.table import TableSpec

SPEC = TableSpec("t", "t", "cold.t", "bronze", "ts", "n", on_schema_change="evolve")
INT, LONG = TypeMapping("int", "Int32"), TypeMapping("long", "Int64")
TAGS = TypeMapping("list", "Array(String)", items=(TypeMapping("string", "String"),))


def hot(**columns: TypeMapping) -> TableSchema:
    """The hot table's columns."""
    return TableSchema(SPEC, tuple(Column(name, mapping) for name, mapping in columns.items()), 6)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    """A catalog with a table of one column."""
    with closing(ObservedCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")) as opened:
        opened.create_namespace("cold")
        opened.create_table("cold.t", Schema(NestedField(1, "n", IntegerType(), required=True)))
        yield opened


def staged(table: Any, schema: TableSchema) -> Any:
    """The updates of a change of columns and an empty append, as `offload/iceberg/fence.py` stages them."""
    transaction = Staging(table)
    follow(transaction, schema)
    transaction.update_snapshot().merge_append().commit()
    return transaction._updates


def test_columns_and_snapshot_are_one_commit(catalog: SqlCatalog) -> None:
    """The snapshot has the id of the new schema; field ids go on where they ended; what is new is optional."""
    table = catalog.load_table("cold.t")

    catalog.commit_table(table, _same_schema(table.metadata), staged(table, hot(n=LONG, tags=TAGS, m=INT)))
    now = catalog.load_table("cold.t")

    assert [(field.field_id, field.name, field.required) for field in now.schema().fields] == [
        (1, "n", True),
        (2, "tags", False),
        (4, "m", False),
    ]
    assert now.schema().find_type("n") == LongType()
    assert [snapshot.schema_id for snapshot in now.metadata.snapshots] == [now.schema().schema_id] == [1]
    assert check_schema(hot(n=LONG, tags=TAGS, m=INT), now.metadata) == ()


@pytest.mark.parametrize("dropped", [False, True])
def test_columns_that_were_changed_since_refuse_the_commit(catalog: SqlCatalog, dropped: bool) -> None:  # noqa: FBT001
    """Also where another engine has added a column and dropped it: only the last field id of the table shows that."""
    stale = catalog.load_table("cold.t")
    updates = staged(stale, hot(n=INT, venue=TypeMapping("string", "String")))
    with catalog.load_table("cold.t").update_schema() as update:
        update.add_column("note", StringType())
    if dropped:
        with catalog.load_table("cold.t").update_schema() as update:
            update.delete_column("note")

    with pytest.raises(CommitFailedException, match="field id" if dropped else "schema id"):
        catalog.commit_table(stale, _same_schema(stale.metadata), updates)
    assert catalog.load_table("cold.t").metadata.snapshots == []


def test_nothing_is_staged_where_the_columns_fit(catalog: SqlCatalog) -> None:
    """Another engine may have made the same change since RECOVER: only the snapshot is left."""
    table = catalog.load_table("cold.t")

    assert {update.action for update in staged(table, hot(n=INT))} == {"add-snapshot", "set-snapshot-ref"}


def test_what_cannot_be_followed_stages_nothing(catalog: SqlCatalog) -> None:
    """Another engine may have changed the columns since RECOVER."""
    transaction = Staging(catalog.load_table("cold.t"))

    with pytest.raises(DataError, match="n: hot string required, cold int required"):
        follow(transaction, hot(n=TypeMapping("string", "String"), m=INT))
    assert transaction._updates == ()


IN_HOT = {
    "Decimal(9, 2)": DecimalType(9, 2),
    "Array(Nullable(Int32))": ListType(2, IntegerType(), element_required=False),
    "Map(String, Int64)": MapType(2, StringType(), 3, LongType(), value_required=True),
}


@pytest.mark.parametrize("kind", IN_HOT)
def test_a_dropped_column_is_named_with_a_type_of_hot(catalog: SqlCatalog, kind: str) -> None:
    """The statement can be typed as it is."""
    with catalog.load_table("cold.t").update_schema(allow_incompatible_changes=True) as update:
        update.add_column("gone", IN_HOT[kind], required=True)

    with pytest.raises(DataError) as refused:
        check_schema(hot(n=INT), catalog.load_table("cold.t").metadata)
    assert f"ALTER TABLE t ADD COLUMN gone {kind}, or " in refused.value.next_step


def test_a_table_that_is_named_by_flags_is_not_told_to_declare(catalog: SqlCatalog) -> None:
    """It has no file in which `on_schema_change` could stand."""
    schema = hot(n=LONG)
    undeclared = replace(schema, spec=replace(SPEC, on_schema_change="fail", declared=False))

    with pytest.raises(DataError) as refused:
        check_schema(undeclared, catalog.load_table("cold.t").metadata)
    assert refused.value.next_step == "ALTER TABLE cold.t ALTER COLUMN n TYPE BIGINT in Spark, then the same command"
