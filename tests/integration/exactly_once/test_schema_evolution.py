"""Columns that hot adds, widens, drops, renames or retypes: what `on_schema_change` follows, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from offload import api
from offload.model.table import PartitionField, TableSpec
from offload.results import TableResult
from tests.support.embedded import START, Embedded

COLUMNS = (
    "ts DateTime64(3, 'UTC'), seq UInt32, n Int32, f Float32, d Decimal(9, 2), e Decimal(18, 8), name String, "
    "tags Array(String)"
)
VALUES = (
    f"{START} + INTERVAL number SECOND, number, toInt32(number) - 5, number / 4, number / 8, number / 16, "
    "concat('n', toString(number)), [toString(number)]"
)
EVOLVES = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",), on_schema_change="evolve")
FAILS = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",))


@pytest.fixture
def published(stage: Embedded) -> Embedded:
    """Ten rows of every type that can be widened are in cold."""
    stage.sql(f"CREATE TABLE t ({COLUMNS}) ENGINE = MergeTree ORDER BY seq")
    insert(stage, 0, 10)
    assert stage.run(EVOLVES).rows == 10
    return stage


def insert(stage: Embedded, first: int, rows: int) -> None:
    """Rows with a number each; other columns than the first eight have their default."""
    names = "ts, seq, n, f, d, e, name, tags"
    stage.sql(f"INSERT INTO t ({names}) SELECT {VALUES} FROM numbers({first}, {rows})")


def exact(stage: Embedded, spec: TableSpec, rows: int) -> list[tuple[Any, ...]]:
    """The rows of cold by sequence, after a check that they are those of hot, each once."""
    found = stage.cold(spec).sort_by("seq").to_pylist()
    audit = stage.audit(spec)
    assert [row["seq"] for row in found] == list(range(rows))
    assert (audit.equal, audit.hot_rows, audit.cold_rows) == (True, rows, rows), audit
    return [tuple(row.values()) for row in found]


def refused(result: TableResult) -> tuple[str, str]:
    """What was found, and what to type, of a run that stopped with 65 and published nothing."""
    assert (result.exit_code, result.rows, result.schema_changes) == (65, 0, ()), result
    assert result.error is not None
    return result.error["found"], result.error["next"]


# The change of hot, what the run reports, what it types in `fail`, and the column's values of an old and of a new row.
FOLLOWED = {
    "added": (
        "ADD COLUMN venue Nullable(String)",
        "add venue string",
        "ALTER TABLE cold.t ADD COLUMNS (venue STRING) in Spark or Trino",
        ("venue", None, None),
    ),
    "added and not Nullable": (
        "ADD COLUMN venue String DEFAULT 'X' AFTER ts",
        "add venue string",
        "ALTER TABLE cold.t ADD COLUMNS (venue STRING) in Spark or Trino",
        ("venue", None, "X"),
    ),
    "an array added": (
        "ADD COLUMN venues Array(LowCardinality(String))",
        "add venues list<string required>",
        "ALTER TABLE cold.t ADD COLUMNS (venues ARRAY<STRING>) in Spark or Trino",
        ("venues", None, []),
    ),
    "a map added": (
        "ADD COLUMN m Map(String, UInt8)",
        "add m map<string, int required>",
        "ALTER TABLE cold.t ADD COLUMNS (m MAP<STRING, INT>) in Spark or Trino",
        ("m", None, []),
    ),
    "int to long": (
        "MODIFY COLUMN n Int64",
        "widen n from int to long",
        "ALTER TABLE cold.t ALTER COLUMN n TYPE BIGINT in Spark",
        ("n", -5, 5),
    ),
    "float to double": (
        "MODIFY COLUMN f Float64",
        "widen f from float to double",
        "ALTER TABLE cold.t ALTER COLUMN f TYPE DOUBLE in Spark",
        ("f", 0.0, 2.5),
    ),
    "decimal of 32 to 64 bits": (
        "MODIFY COLUMN d Decimal(18, 2)",
        "widen d from decimal(9, 2) to decimal(18, 2)",
        "ALTER TABLE cold.t ALTER COLUMN d TYPE DECIMAL(18, 2) in Spark",
        ("d", 0, 1.25),
    ),
    "decimal of 64 to 128 bits": (
        "MODIFY COLUMN e Decimal(38, 8)",
        "widen e from decimal(18, 8) to decimal(38, 8)",
        "ALTER TABLE cold.t ALTER COLUMN e TYPE DECIMAL(38, 8) in Spark",
        ("e", 0, 0.625),
    ),
    "made Nullable": (
        "MODIFY COLUMN name Nullable(String)",
        "make name optional",
        "ALTER TABLE cold.t ALTER COLUMN name DROP NOT NULL in Spark",
        ("name", "n0", "n10"),
    ),
    "widened and made Nullable": (
        "MODIFY COLUMN n Nullable(Int64)",
        "widen n from int to long, make n optional",
        "ALTER TABLE cold.t ALTER COLUMN n TYPE BIGINT in Spark; ALTER TABLE cold.t ALTER COLUMN n DROP NOT NULL",
        ("n", -5, 5),
    ),
}


@pytest.mark.parametrize("change", FOLLOWED)
def test_evolve_follows_in_a_commit_of_its_own_and_every_row_is_exact(published: Embedded, change: str) -> None:
    """One snapshot without rows, then the rows; old files are read as before."""
    statement, reported, _, (name, old, new) = FOLLOWED[change]
    published.sql(f"ALTER TABLE t {statement}")
    insert(published, 10, 5)
    before = published.published(EVOLVES)

    result = published.run(EVOLVES)
    again = published.run(EVOLVES)

    assert (result.exit_code, result.rows, result.schema_changes) == (0, 5, (reported,)), result
    assert published.published(EVOLVES) == before + 2
    assert (again.exit_code, again.rows, again.schema_changes, again.late_rows, again.changed_rows) == (0, 0, (), 0, 0)
    exact(published, EVOLVES, 15)
    values = published.cold(EVOLVES).sort_by("seq").column(name).to_pylist()
    assert (values[0], values[10]) == (old, new)
    assert [snapshot.schema_id for snapshot in published.iceberg(EVOLVES).metadata.snapshots] == [0, 1, 1]


@pytest.mark.parametrize("change", FOLLOWED)
def test_fail_stops_with_the_statement_and_changes_nothing(published: Embedded, change: str) -> None:
    """The default; the message also names the other mode, in which the next run goes on."""
    statement, _, typed, _ = FOLLOWED[change]
    published.sql(f"ALTER TABLE t {statement}")
    insert(published, 10, 5)
    schema, before = published.iceberg(FAILS).schema(), published.published(FAILS)

    found, next_step = refused(published.run(FAILS))

    assert typed in next_step
    assert 'or declare on_schema_change = "evolve", then offload run t' in next_step
    assert found.startswith(f"{FOLLOWED[change][3][0]}: hot ")
    assert (published.iceberg(FAILS).schema(), published.published(FAILS)) == (schema, before)
    assert published.run(EVOLVES).rows == 5
    exact(published, EVOLVES, 15)


NO_VALUE = "older rows of hot have 'X', its DEFAULT or MATERIALIZED; those of cold would have none"
# The change of hot, both types as the message has them, and what it types.
REFUSED = {
    "dropped": (
        "DROP COLUMN e",
        "e: hot has none, cold decimal(18, 8) required",
        "ALTER TABLE t ADD COLUMN e Decimal(18, 8), or to drop it from cold as well: ALTER TABLE cold.t DROP COLUMN e",
    ),
    "an array dropped": (
        "DROP COLUMN tags",
        "tags: hot has none, cold list<string required> required",
        "ALTER TABLE t ADD COLUMN tags Array(String), or ",
    ),
    "renamed": (
        "RENAME COLUMN name TO title",
        "title: hot string required, cold has none; name: hot has none, cold string required",
        "if title is its new name: ALTER TABLE t RENAME COLUMN title TO name, or ",
    ),
    "retyped": (
        "MODIFY COLUMN n String",
        "n: hot string required, cold int required",
        "ALTER TABLE t MODIFY COLUMN n Int32, then",
    ),
    "retyped, as declared otherwise": (
        "MODIFY COLUMN name FixedString(8)",
        "name: hot fixed[8] required, cold string required",
        "ALTER TABLE t MODIFY COLUMN name String, then",
    ),
    "another scale": (
        "MODIFY COLUMN e Decimal(38, 10)",
        "e: hot decimal(38, 10) required, cold decimal(18, 8) required",
        "ALTER TABLE t MODIFY COLUMN e Decimal(18, 8), then",
    ),
    "narrowed": (
        "MODIFY COLUMN e Decimal(10, 8)",
        "e: hot decimal(10, 8) required, cold decimal(18, 8) required",
        "ALTER TABLE t MODIFY COLUMN e Decimal(18, 8), then",
    ),
    "int to double": (
        "MODIFY COLUMN n Nullable(Float64)",
        "n: hot double, cold int required",
        "ALTER TABLE t MODIFY COLUMN n Nullable(Int32), then",
    ),
    "long to decimal": (
        "MODIFY COLUMN seq UInt64",
        "seq: hot decimal(20, 0) required, cold long required",
        "ALTER TABLE t MODIFY COLUMN seq Int64, or declare it under unsigned_as_long, then",
    ),
    "another element": (
        "MODIFY COLUMN tags Array(Nullable(String))",
        "tags: hot list<string> required, cold list<string required> required",
        "ALTER TABLE t MODIFY COLUMN tags Array(String), then",
    ),
    "added as Nullable with a DEFAULT": (
        "ADD COLUMN venue Nullable(String) DEFAULT 'X'",
        f"venue: hot string, cold has none ({NO_VALUE})",
        "ALTER TABLE t MODIFY COLUMN venue REMOVE DEFAULT, or REMOVE MATERIALIZED where it is that, then",
    ),
}


@pytest.mark.parametrize("spec", [EVOLVES, FAILS], ids=["evolve", "fail"])
@pytest.mark.parametrize("change", REFUSED)
def test_every_other_change_stops_both_modes_with_both_types(stage: Embedded, change: str, spec: TableSpec) -> None:
    """Nothing is published, and no column of cold is changed."""
    stage.sql(f"CREATE TABLE t ({COLUMNS}) ENGINE = MergeTree ORDER BY ts")
    insert(stage, 0, 10)
    assert stage.run(spec).rows == 10
    statement, both, typed = REFUSED[change]
    stage.sql(f"ALTER TABLE t {statement}")
    schema, before = stage.iceberg(spec).schema(), stage.published(spec)

    found, next_step = refused(stage.run(spec))

    assert found == both
    assert typed in next_step
    assert next_step.endswith("then offload run t")
    assert (stage.iceberg(spec).schema(), stage.published(spec)) == (schema, before)


def test_a_change_that_cannot_be_followed_stops_those_that_can(published: Embedded) -> None:
    """All or nothing: the column that is new is not added beside one that was dropped."""
    published.sql("ALTER TABLE t ADD COLUMN venue String, MODIFY COLUMN n Int64, DROP COLUMN f")
    schema = published.iceberg(EVOLVES).schema()

    found, _ = refused(published.run(EVOLVES))

    assert "f: hot has none, cold float required" in found
    assert published.iceberg(EVOLVES).schema() == schema


def test_several_changes_are_one_commit(published: Embedded) -> None:
    """However many columns change, one snapshot without rows comes before the rows."""
    published.sql("ALTER TABLE t ADD COLUMN venue String, MODIFY COLUMN n Int64, MODIFY COLUMN f Nullable(Float64)")
    insert(published, 10, 5)

    result = published.run(EVOLVES)

    assert result.schema_changes == (
        "widen n from int to long",
        "widen f from float to double, make f optional",
        "add venue string",
    )
    assert published.published(EVOLVES) == 3
    exact(published, EVOLVES, 15)


def test_old_files_are_searched_for_keys_and_late_rows_as_before(stage: Embedded) -> None:
    """Here the key itself is widened: a redelivery under a new timestamp stays out, and a late row is swept once."""
    spec = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("n",), on_schema_change="evolve")
    stage.sql(f"CREATE TABLE t ({COLUMNS}) ENGINE = MergeTree ORDER BY seq")
    insert(stage, 0, 10)
    assert stage.run(spec).rows == 10
    stage.sql("ALTER TABLE t MODIFY COLUMN n Int64, ADD COLUMN venue String DEFAULT 'X'")
    stage.sql("INSERT INTO t SELECT ts + INTERVAL 1 HOUR, * EXCEPT ts FROM t WHERE n IN (-5, 3)")
    stage.sql("INSERT INTO t SELECT ts - INTERVAL 1 MINUTE, 99, 99, * EXCEPT (ts, seq, n) FROM t WHERE n = 0")
    insert(stage, 10, 5)

    result, again = stage.run(spec), stage.run(spec)

    assert (result.exit_code, result.rows, result.late_rows, result.swept_rows) == (0, 6, 1, 1), result
    assert (again.exit_code, again.rows, again.late_rows) == (0, 0, 0), again
    assert sorted(stage.cold(spec).column("n").to_pylist()) == [*range(-5, 10), 99]


def test_a_column_of_uuids_is_added(published: Embedded) -> None:
    """ClickHouse has a type of its own for them, which old files do not show."""
    published.sql("ALTER TABLE t ADD COLUMN id Nullable(UUID)")
    insert(published, 10, 5)
    one = "toUUID('00000000-0000-0000-0000-00000000000f')"
    published.sql(f"ALTER TABLE t UPDATE id = {one} WHERE seq > 9 SETTINGS mutations_sync = 2")

    result = published.run(EVOLVES)

    assert (result.exit_code, result.rows, result.schema_changes) == (0, 5, ("add id uuid",)), result
    assert sum(row[-1] is not None for row in exact(published, EVOLVES, 15)) == 5


def test_a_column_of_the_partition_keeps_its_type(stage: Embedded) -> None:
    """Manifests have its values in the type of their time."""
    partition = (PartitionField("n", "identity"),)
    spec = TableSpec(
        "t", "t", "cold.t", "bronze", "ts", "seq", ("seq",), partition=partition, on_schema_change="evolve"
    )
    stage.sql(f"CREATE TABLE t ({COLUMNS}) ENGINE = MergeTree ORDER BY seq")
    insert(stage, 0, 10)
    assert stage.run(spec).rows == 10
    stage.sql("ALTER TABLE t MODIFY COLUMN n Int64")

    found, next_step = refused(stage.run(spec))

    assert found == "n: hot long required, cold int required (a column of the partition keeps its type)"
    assert "ALTER TABLE t MODIFY COLUMN n Int32, then" in next_step


def test_the_name_of_a_column_that_cold_has_dropped_is_not_used_again(published: Embedded) -> None:
    """Files from before still have it, and by name they would be read with its old values."""
    published.sql("ALTER TABLE t DROP COLUMN name")
    with published.iceberg(EVOLVES).update_schema() as update:
        update.delete_column("name")
    assert published.run(EVOLVES).exit_code == 0
    published.sql("ALTER TABLE t ADD COLUMN name String")

    found, next_step = refused(published.run(EVOLVES))

    assert "name: hot string required, cold has none (a column of that name was dropped there" in found
    assert "ALTER TABLE t RENAME COLUMN name TO name_2, then" in next_step


def test_a_column_with_an_expression_is_added_as_hot_has_it(published: Embedded) -> None:
    """Older rows have what hot computes for them; cold has NULL there, which is compared as that."""
    published.sql("ALTER TABLE t ADD COLUMN twice Int64 MATERIALIZED n * 2")
    insert(published, 10, 5)

    result = published.run(EVOLVES)

    assert (result.exit_code, result.rows, result.schema_changes) == (0, 5, ("add twice long",)), result
    exact(published, EVOLVES, 15)


def test_a_nullable_column_without_its_default_is_followed(published: Embedded) -> None:
    """Once the statement of the refusal was typed, older rows have no value in either tier."""
    published.sql("ALTER TABLE t ADD COLUMN venue Nullable(String) DEFAULT 'X'")
    insert(published, 10, 5)
    refused(published.run(EVOLVES))
    published.sql("ALTER TABLE t MODIFY COLUMN venue REMOVE DEFAULT")

    assert published.run(EVOLVES).rows == 5
    assert [row[-1] for row in exact(published, EVOLVES, 15)] == [None] * 10 + ["X"] * 5


def test_a_plan_says_what_would_change_and_changes_nothing(published: Embedded) -> None:
    """As the run then does it; with `fail` it has the words of the run's refusal."""
    published.sql("ALTER TABLE t ADD COLUMN venue String, MODIFY COLUMN n Int64")
    insert(published, 10, 5)
    schema, before = published.iceberg(EVOLVES).schema(), published.published(EVOLVES)

    (plan,) = api.plan(spec=EVOLVES, settings=published.settings())
    (failing,) = api.plan(spec=FAILS, settings=published.settings())

    assert (published.iceberg(EVOLVES).schema(), published.published(EVOLVES)) == (schema, before)
    assert (plan.exit_code, plan.rows, failing.exit_code, failing.schema_changes) == (0, 5, 65, ())
    assert failing.error == published.run(FAILS).error
    assert (
        plan.schema_changes == published.run(EVOLVES).schema_changes == ("widen n from int to long", "add venue string")
    )


def test_adopt_leaves_the_columns_to_the_next_run(published: Embedded) -> None:
    """It compares rows and takes the table over as it is."""
    published.sql("ALTER TABLE t ADD COLUMN venue String, MODIFY COLUMN n Int64")

    adopted, result = published.adopt(EVOLVES), published.run(EVOLVES)

    assert adopted["rows"] == 10
    assert result.schema_changes == ("widen n from int to long", "add venue string")
    exact(published, EVOLVES, 10)
