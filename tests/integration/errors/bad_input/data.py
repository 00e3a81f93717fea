"""Hot tables and rows that cold cannot have: exit 65, with the key of such a row or the column."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.errors.bad_input.case import RECORDED, Case, words
from tests.integration.errors.bad_input.world import World

T = "(ts DateTime64(3, 'UTC'), seq UInt32, x Int32)"
PLAIN = "MergeTree ORDER BY seq"
TOML = """
name = "t"
source = "t"
target = "cold.t"
layer = "bronze"
timestamp = "ts"
sequence = "seq"
"""
VALUE, ROW = "1 that do not fit, such as the rows with the key", "correct the rows"
NEXT_ENGINE = "offload the table that it is filled from, or a copy of it in a MergeTree table"


def hot(*statements: str, declared: str = "") -> Callable[[World], object]:
    """Hot tables of which `t` is declared; nothing is published yet."""

    def given(world: World) -> None:
        world.sql(*statements)
        world.file("tables/t.toml", TOML + declared)

    return given


def published(columns: str, *rows: str, declared: str = "") -> Callable[[World], object]:
    """A table whose first three rows are in cold, then rows that follow: `(number, values)`."""

    def given(world: World) -> None:
        created = f"CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt32, {columns}) ENGINE = {PLAIN}"
        good = "INSERT INTO t (ts, seq) SELECT '2024-08-01 00:00:00', number FROM numbers(3)"
        hot(created, good, declared=declared)(world)
        world.offload("run", "t")
        world.sql(*(f"INSERT INTO t SELECT '2024-08-02 00:00:00', {row}" for row in rows))

    return given


def value(name: str, column: str, *rows: str, kind: str, declared: str = "", key: str = "") -> Case:
    """A value in a new row that the Iceberg type cannot have."""
    given = published(column, *rows, declared=declared)
    fits = f"in t that fit the Iceberg type {kind}"
    return Case(name, words("run t"), 65, fits, f"{VALUE} {key}", ROW, given=given, records=RECORDED)


def contents(name: str, columns: str, *rows: str, key: str, example: str) -> Case:
    """A key with two contents."""
    given = published(columns, *rows, declared=f"key = {key}")
    found = f"keys with two contents, such as {example}"
    return Case(name, words("run t"), 65, "one content per key", found, ROW, given=given, records=RECORDED)


def engine(name: str, command: str, statement: str, *found: str) -> Case:
    """A table whose rows are no rows to keep."""
    records = RECORDED if command.startswith(("run", "adopt")) else frozenset[str]()
    expected = "t to be of an engine whose rows stay as they are"
    given = hot(f"CREATE TABLE other {T} ENGINE = {PLAIN}", statement)
    return Case(name, words(command), 65, expected, *found, NEXT_ENGINE, given=given, records=records)


def column(name: str, command: str, of: str, *parts: str, declared: str = "") -> Case:
    """A column that Iceberg cannot store, or not in its role."""
    given = hot(f"CREATE TABLE t (ts DateTime, seq UInt32, {of}) ENGINE = {PLAIN}", declared=declared)
    return Case(name, words(command), 65, *parts, given=given)


VALUES = [
    value("text that is not UTF-8", "x String", "10, unhex('FF')", kind="string", key="2024-08-02 00:00:00.000/10"),
    value(
        "a key that is not UTF-8",
        "x String",
        "10, unhex('FF')",
        kind="string",
        declared='key = ["x", "seq"]',
        key="ff/10",
    ),
    value("a map that is not UTF-8", "x Map(String, String)", "10, map('a', unhex('FF'))", kind="map"),
    value("2^63 as a long", "x UInt64", "10, 9223372036854775808", kind="long", declared='unsigned_as_long = ["x"]'),
    value("digits beyond a decimal", "x Decimal(4, 1)", "10, toDecimal64(99999.9, 1)", kind="decimal(4, 1)"),
    value("digits beyond a decimal in a list", "x Array(Decimal(4, 1))", "10, [toDecimal64(99999.9, 1)]", kind="list"),
    contents("two contents in hot", "x Int32", "10, 1", "10, 2", key='["seq"]', example="10"),
    contents("another content in cold", "x Int32", "1, 77", key='["seq"]', example="1"),
    contents("NaN in a key", "x Float64, y Int32", "10, nan, 1", "10, nan, 2", key='["seq", "x"]', example="10/nan"),
    Case(
        "a time that pruning hides",
        words("plan t"),
        65,
        "every row of t before 1970 to be found",
        "1 rows that ClickHouse leaves out",
        "delete them, or partition the table by toDate32",
        given=hot(
            f"CREATE TABLE t {T} ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY seq",
            "INSERT INTO t SELECT '1969-01-01 00:00:00', 1, 1",
        ),
    ),
]
COLUMNS = [
    column("39 digits", "plan t", "x Decimal(39, 1)", "that Iceberg can store", "column x of type", "in the hot table"),
    column("a dot in a column", "plan t", "`a.b` Int32", "that Iceberg can store", "column a.b of", "in the hot table"),
    column("no equal type", "plan t", "x IPv4", "that Iceberg can store", "column x of type IPv4", "in the hot table"),
    column("a name for a query", "plan t", "tidemark_x Int8", "Iceberg can store", "begin with tidemark_", "hot table"),
    column("nanoseconds", "plan t", "x DateTime64(9)", "Iceberg can store", "finer than microseconds", "declare it"),
    column(
        "a key that may be NULL",
        "plan t",
        "x Nullable(Int8)",
        "as key column x",
        "Nullable",
        "another column",
        declared='key = ["x"]',
    ),
    column(
        "a partition of floats",
        "plan t",
        "x Float64",
        "a column of exact values in t to partition by identity",
        "column x of type Float64",
        "correct partition in the declaration",
        declared='partition = [{ column = "x", transform = "identity" }]',
    ),
    Case(
        "init: a time that may be NULL",
        words("init other"),
        65,
        "a column of type DateTime or DateTime64 in other, not Nullable",
        "ts Nullable(DateTime), seq UInt32",
        "offload a table that has one",
        given=hot(f"CREATE TABLE other (ts Nullable(DateTime), seq UInt32) ENGINE = {PLAIN}"),
    ),
]
ENGINES = [
    Case(
        "no hot table", words("plan t"), 65, "a table t in ClickHouse", "no table of that name", "tables", given=hot()
    ),
    Case(
        "no hot table to adopt from",
        words("adopt t"),
        65,
        "rows in cold.t to adopt",
        "no such table",
        "offload run t",
        given=hot(f"CREATE TABLE t {T} ENGINE = {PLAIN}"),
        records=RECORDED,
    ),
    Case(
        "audit of a table that was never run",
        words("audit t"),
        65,
        "rows in cold.t to audit",
        "no such table",
        "offload run t",
        given=hot(f"CREATE TABLE t {T} ENGINE = {PLAIN}"),
    ),
    Case(
        "a view whose table is gone",
        words("plan t"),
        65,
        "the tables and columns of the query",
        "Unknown table",
        "offload tables",
        given=hot(
            f"CREATE TABLE other {T} ENGINE = {PLAIN}", "CREATE VIEW t AS SELECT * FROM other", "DROP TABLE other SYNC"
        ),
    ),
    Case(
        "a view with a limit",
        words("run t"),
        78,
        "limits of the user default",
        "TOO_MANY_ROWS",
        "raise the limit",
        given=hot(
            f"CREATE TABLE other {T} ENGINE = {PLAIN}",
            "INSERT INTO other SELECT '2024-08-01 00:00:00', number, 1 FROM numbers(100)",
            "CREATE VIEW t AS SELECT * FROM other SETTINGS max_rows_to_read = 1",
        ),
        records=RECORDED,
        creates="cold.t",
    ),
    engine(
        "sums", "run t", f"CREATE TABLE t {T} ENGINE = SummingMergeTree ORDER BY seq", "the engine SummingMergeTree"
    ),
    engine(
        "cancelled rows",
        "adopt t",
        "CREATE TABLE t (ts DateTime, seq UInt32, x Int8) ENGINE = CollapsingMergeTree(x) ORDER BY seq",
        "the engine CollapsingMergeTree",
    ),
    engine("a set", "run t", f"CREATE TABLE t {T} ENGINE = Set", "the engine Set: its rows cannot be read"),
    engine("a table that keeps no rows", "plan t", f"CREATE TABLE t {T} ENGINE = Null", "the engine Null"),
    engine(
        "rows in memory",
        "plan t",
        f"CREATE TABLE t {T} ENGINE = Buffer(currentDatabase(), 'other', 1, 10, 100, 100, 1000, 1000, 10000)",
        "the engine Buffer",
    ),
]

CASES = [*VALUES, *COLUMNS, *ENGINES]
