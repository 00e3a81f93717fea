"""Names, engines and layouts that were read wrongly in silence: read rightly, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.model.table import PartitionField, TableSpec
from tests.support.embedded import Embedded

FILL = "SELECT now64(3) - INTERVAL number + 10 MINUTE, number, {} FROM numbers(4)"


def declared(**changes: Any) -> TableSpec:
    """A table `t` without a key."""
    fields = {"name": "t", "source": "t", "target": "cold.t", "layer": "bronze", "timestamp": "ts", "sequence": "seq"}
    return TableSpec(**(fields | changes))


@pytest.mark.parametrize("name", ["b", "n", "c", "w", "p0", "d", "k", "h", "hour", "rows", "digest", "last", "keys"])
def test_a_timestamp_of_any_name_is_moved_and_audited(stage: Embedded, name: str) -> None:
    """No alias of a query hides a column."""
    stage.sql(f"CREATE TABLE t ({name} DateTime64(3, 'UTC'), seq UInt64, x Int32) ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"INSERT INTO t {FILL.format('number')}")
    spec = declared(timestamp=name)

    run = stage.run(spec)
    stage.sql(f"INSERT INTO t {FILL.format('number + 100').replace('10 MINUTE', '20 MINUTE')}")
    late, audit = stage.run(spec), stage.audit(spec)

    assert (run.exit_code, run.rows, late.late_rows) == (0, 4, 4), (run, late)
    assert (audit.hot_rows, audit.cold_rows, audit.missing) == (8, 4, 4), audit


@pytest.mark.parametrize("name", ["b", "n", "c", "w", "p0", "d", "k", "agree", "hot", "hashed", "s"])
@pytest.mark.parametrize("partition", [False, True])
def test_a_column_of_any_name_is_compared(stage: Embedded, name: str, *, partition: bool) -> None:
    """A change of it is a difference, also where it is the sorting key and the partition."""
    columns = f"(ts DateTime64(3, 'UTC'), seq UInt64, {name} String, e Int32)"
    stage.sql(f"CREATE TABLE t {columns} ENGINE = MergeTree ORDER BY ({name}, ts)")
    stage.sql(f"INSERT INTO t {FILL.format('toString(number), number')}")
    spec = declared(key=("seq",))
    if partition:
        spec = replace(spec, partition=(PartitionField(name, "identity"),), sort=(name, "ts"))
    assert stage.run(spec).rows == 4
    stage.sql("ALTER TABLE t UPDATE e = 777 WHERE seq = 2 SETTINGS mutations_sync = 2")

    found = stage.audit(spec)

    assert (found.equal, found.different, found.exit_code) == (False, 1, 65), found


def test_a_reserved_name_is_refused(stage: Embedded) -> None:
    """Names that begin with tidemark_ are used in queries."""
    stage.sql("CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt64, tidemark_n Int32) ENGINE = MergeTree ORDER BY seq")

    result = stage.run(declared())

    assert (result.exit_code, result.error and "tidemark_n" in result.error["found"]) == (65, True), result


LAYOUTS = {
    "an expression of the partition's column": "PARTITION BY toHour(ts) ORDER BY (sym, toDate(ts), seq)",
    "a month of it": "PARTITION BY toYYYYMMDD(ts) ORDER BY (sym, toStartOfMonth(ts), seq)",
    "the column itself": "PARTITION BY toDate(ver) ORDER BY (sym, seq)",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("key", [(), ("seq",)])
def test_final_is_asked_across_partitions(stage: Embedded, layout: str, key: tuple[str, ...]) -> None:
    """One sorting key in two partitions: the version that FINAL shows is published, once."""
    stage.sql(
        "CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt32, sym String, px Int32, ver UInt32) "
        f"ENGINE = ReplacingMergeTree(ver) {LAYOUTS[layout]}"
    )
    stage.sql("INSERT INTO t VALUES ('2024-11-20 01:10:00', 1, 'A', 10, 1)")
    stage.sql("INSERT INTO t VALUES ('2024-11-20 02:10:00', 1, 'A', 11, 200000)")
    shown = stage.rows("SELECT px FROM t FINAL")
    spec = declared(key=key)

    result = stage.run(spec)

    assert (result.exit_code, shown) == (0, [(11,)]), result
    assert stage.cold(spec).column("px").to_pylist() == [11]


BEHIND = {
    "a materialized view": "CREATE MATERIALIZED VIEW v ENGINE = ReplacingMergeTree ORDER BY (seq, ts) "
    "AS SELECT * FROM src",
    "a Merge table": "CREATE TABLE v AS inner_t ENGINE = Merge(currentDatabase(), '^inner_t$')",
}


@pytest.mark.parametrize("case", BEHIND)
def test_a_table_before_a_plain_one_is_read_without_final(stage: Embedded, case: str) -> None:
    """The tables behind refuse FINAL: each row counts."""
    columns = "(ts DateTime64(3, 'UTC'), seq UInt32)"
    stage.sql(f"CREATE TABLE src {columns} ENGINE = Null")
    stage.sql(f"CREATE TABLE inner_t {columns} ENGINE = MergeTree ORDER BY (seq, ts)")
    stage.sql(BEHIND[case].replace("ReplacingMergeTree", "MergeTree"))
    for _ in range(2):
        stage.sql(f"INSERT INTO {'src' if 'view' in case else 'inner_t'} VALUES ('2024-11-20 01:10:00', 1)")

    result = stage.run(declared(source="v"))

    assert (result.exit_code, result.rows) == (0, 2), result


@pytest.mark.parametrize("case", BEHIND)
def test_a_table_before_a_replacing_one_is_read_with_final(stage: Embedded, case: str) -> None:
    """As FINAL shows it: one row."""
    columns = "(ts DateTime64(3, 'UTC'), seq UInt32)"
    stage.sql(f"CREATE TABLE src {columns} ENGINE = Null")
    stage.sql(f"CREATE TABLE inner_t {columns} ENGINE = ReplacingMergeTree ORDER BY (seq, ts)")
    stage.sql(BEHIND[case])
    for _ in range(2):
        stage.sql(f"INSERT INTO {'src' if 'view' in case else 'inner_t'} VALUES ('2024-11-20 01:10:00', 1)")
    assert stage.rows("SELECT count() FROM v FINAL") == [(1,)]
    spec = declared(source="v")

    result = stage.run(spec)

    assert (result.exit_code, result.rows, stage.cold(spec).num_rows) == (0, 1, 1), result


ENGINES = {
    "SummingMergeTree": "SummingMergeTree ORDER BY (ts, seq)",
    "AggregatingMergeTree": "AggregatingMergeTree ORDER BY (ts, seq)",
    "CollapsingMergeTree": "CollapsingMergeTree(sign) ORDER BY (ts, seq)",
    "Buffer": "Buffer(currentDatabase(), 'behind', 1, 10, 100, 10000, 1000000, 10000000, 100000000)",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_whose_rows_change_are_refused_by_name(stage: Embedded, engine: str) -> None:
    """Partial sums and cancelled rows are no rows to keep for ever."""
    columns = "(ts DateTime64(3, 'UTC'), seq UInt32, sign Int8)"
    stage.sql(f"CREATE TABLE behind {columns} ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"CREATE TABLE t {columns} ENGINE = {ENGINES[engine]}")

    result = stage.run(declared())

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert result.error is not None
    assert f"the engine {engine}" in result.error["found"]


@pytest.mark.parametrize("kind", ["DateTime('UTC')", "DateTime64(3, 'UTC')"])
def test_rows_without_a_time_that_exceed_a_batch_are_moved(stage: Embedded, kind: str) -> None:
    """They share one tick, so they are one batch; the tick before 1970 is no DateTime."""
    stage.sql(f"CREATE TABLE t (ts {kind}, seq UInt32) ENGINE = MergeTree ORDER BY seq")
    stage.sql("INSERT INTO t SELECT 0, number FROM numbers(8)")

    result = stage.run(declared(), batch_rows=5)

    assert (result.exit_code, result.rows, result.rows_without_timestamp) == (0, 8, 8), result


CHANGED: dict[str, dict[str, Any]] = {
    "another timestamp": {"timestamp": "b", "partition": (PartitionField("a", "day"),)},
    "another key": {"key": ("id",)},
    "a timestamp that does not follow": {"timestamp_follows_key": False},
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_declaration_that_changes_what_the_watermark_counts_is_refused(stage: Embedded, change: str) -> None:
    """Another column would move every row once more; `adopt` is the way on."""
    stage.sql("CREATE TABLE t (id UInt32, a DateTime, b DateTime, seq UInt32) ENGINE = MergeTree ORDER BY a")
    stage.sql("INSERT INTO t SELECT number, now() - 3600 + number, now() - 10, number FROM numbers(100)")
    first = declared(timestamp="a", key=("id", "seq"), timestamp_follows_key=True)
    assert stage.run(first).rows == 100
    other = replace(first, **CHANGED[change])

    refused = stage.run(other)
    adopted = stage.adopt(other)
    after = stage.run(other)

    assert (refused.exit_code, refused.rows, refused.error and refused.error["kind"]) == (65, 0, "DataError"), refused
    assert refused.error is not None
    assert "offload adopt t" in refused.error["next"]
    assert adopted["rows"] == 100
    assert (after.exit_code, after.rows, after.late_rows) == (0, 0, 0), after
