"""Every supported type has the same value in hot and cold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from harness.checkers.content import check_content
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.readers.iceberg import ColdTableAddress, read_cold
from harness.verdict import Verdict
from tests.support.embedded import Embedded

# name, type, the extreme values of row 1 and of row 2, as SQL
COLUMNS = """
ts      | DateTime64(6, 'UTC')            | '1969-12-31 23:59:59.999999'          | '2024-08-01 12:00:00.000001'
n       | UInt64                          | 1                                     | 9223372036854775807
flag    | Bool                            | true                                  | false
i8      | Int8                            | -128                                  | 127
i16     | Int16                           | -32768                                | 32767
i32     | Int32                           | -2147483648                           | 2147483647
i64     | Int64                           | -9223372036854775808                  | 9223372036854775807
u8      | UInt8                           | 0                                     | 255
u16     | UInt16                          | 0                                     | 65535
u32     | UInt32                          | 0                                     | 4294967295
u64     | UInt64                          | 0                                     | 18446744073709551615
f32     | Float32                         | -0.5                                  | 3.4028234e38
f64     | Float64                         | 0.1                                   | 5e-324
s       | String                          | ''                                    | 'naïve ₿ 🚀 \\\\ `\\' \\n'
ls      | LowCardinality(String)          | 'BTC'                                 | 'ETH'
lns     | LowCardinality(Nullable(String)) | NULL                                 | ''
fs      | FixedString(4)                  | 'ab'                                  | 'wxyz'
raw     | String                          | unhex('FF00FE')                       | ''
e8      | Enum8('buy' = -1, 'it\\'s, (x)' = 2) | 'buy'                            | 'it\\'s, (x)'
e16     | Enum16('low' = -300, 'high' = 300) | 'low'                              | 'high'
ne      | Nullable(Enum8('a' = 1))        | NULL                                  | 'a'
d       | Date                            | '1970-01-01'                          | '2149-06-06'
d32     | Date32                          | '1900-01-01'                          | '2299-12-31'
seconds | DateTime                        | '1970-01-01 00:00:01'                 | '2106-02-07 06:28:15'
local   | DateTime('America/New_York')    | '2024-01-01 00:00:00'                 | '2024-07-01 00:00:00'
ms      | DateTime64(3, 'UTC')            | '1965-05-05 05:05:05.005'             | '2262-04-11 23:47:16.854'
nanos   | DateTime64(9, 'UTC')            | '2024-01-01 00:00:00.123456789'       | '2262-04-11 23:47:16.854775807'
nms     | Nullable(DateTime64(3, 'UTC'))  | NULL                                  | '2024-01-01 00:00:00.5'
id      | UUID                         | '00000000-0000-0000-0000-000000000000'| '01234567-89ab-cdef-fedc-ba9876543210'
nid     | Nullable(UUID)               | NULL                                  | 'ffffffff-ffff-ffff-ffff-ffffffffffff'
d9      | Decimal(9, 2)                   | '-9999999.99'                         | '9999999.99'
d18     | Decimal(18, 8)                  | '-9999999999.99999999'                | '9999999999.99999999'
d38     | Decimal(38, 16)                 | '-9999999999999999999999.9999999999999999' | '0.0000000000000001'
nd      | Nullable(Decimal(18, 8))        | NULL                                  | '0'
nd9     | Nullable(Decimal(9, 2))         | NULL                                  | '-0.01'
nd38    | Nullable(Decimal(38, 16))       | NULL                                  | '-1.5'
nu64    | Nullable(UInt64)                | NULL                                  | 18446744073709551615
ni      | Nullable(Int64)                 | NULL                                  | 0
nflag   | Nullable(Bool)                  | NULL                                  | false
a       | Array(String)                   | []                                    | ['', 'x']
an      | Array(Nullable(Int64))          | [NULL, 0]                             | [NULL]
aa      | Array(Array(Decimal(18, 8)))    | [[], [1.5]]                           | []
ae      | Array(Enum8('p' = 1, 'q' = 2))  | ['p', 'q']                            | []
aid     | Array(UUID)                     | ['01234567-89ab-cdef-fedc-ba9876543210'] | []
ad      | Array(DateTime64(3, 'UTC'))     | ['1969-01-01 00:00:00.001']           | []
m       | Map(String, String)             | map()                                 | map('k', 'v', 'l', '')
mn      | Map(String, Nullable(Decimal(18, 8))) | map('a', NULL, 'b', 0)          | map('c', 1.25)
ma      | Map(LowCardinality(String), Array(UInt64)) | map('a', [])               | map('b', [18446744073709551615])
"""
PARSED = [
    tuple(part.strip().replace("\\\\", "\\") for part in line.split("|")) for line in COLUMNS.strip().splitlines()
]
FIELDS = {
    "timestamp": "ts",
    "sequence": "n",
    "key": ("n",),
    "delivery": (),
    "arrival": None,
    "sort": ("ts",),
    "unsigned_as_long": ("n",),
    "binary": ("raw",),
    "truncate": ("nanos",),
}


def fill(stage: Embedded) -> None:
    """A table with a column of every type and two rows of extremes."""
    stage.sql(
        f"CREATE TABLE types ({', '.join(f'{name} {kind}' for name, kind, *_ in PARSED)}) ENGINE = MergeTree ORDER BY n"
    )
    for row in (2, 3):
        stage.sql(f"INSERT INTO types VALUES ({', '.join(column[row] for column in PARSED)})")


def test_every_column_of_every_type_is_the_same_hot_and_cold(stage: Embedded) -> None:
    """Readers of hot and cold get equal values, also NULL, empty arrays and extremes."""
    fill(stage)
    spec = stage.declared("types", **FIELDS)

    result = stage.run(spec)
    # Cut to microseconds, and no text: these two are spelled out below.
    hot = read_hot(HotTableAddress("types", stage.dsn), [name for name, *_ in PARSED if name not in {"nanos", "raw"}])
    environment = ColdTableAddress(
        "cold.types", f"sqlite:///{stage.folder}/catalog.db", str(stage.folder / "warehouse"), "tidemark"
    )
    finding = check_content(hot, read_cold(environment, hot.column_names), key=["n"])

    assert (result.exit_code, result.rows) == (0, 2), result.error
    assert finding.verdict is Verdict.PASS, finding


@pytest.mark.parametrize("key", [(), ("ls",)])
def test_a_table_may_have_dictionary_text_only(stage: Embedded, key: tuple[str, ...]) -> None:
    """Expressions of such a column alone are dictionaries too: a flag, or the hash of a key."""
    stage.sql("CREATE TABLE few (ts DateTime64(6, 'UTC'), n UInt64, ls LowCardinality(String)) ENGINE = Log")
    stage.sql("INSERT INTO few VALUES ('2024-08-01 00:00:00', 1, 'BTC'), ('2024-08-01 00:00:01', 2, 'ETH')")
    spec = stage.declared("few", **FIELDS | {"key": key, "binary": (), "truncate": (), "unsigned_as_long": ()})

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 2), result.error
    assert stage.cold(spec).sort_by("n").column("ls").to_pylist() == ["BTC", "ETH"]


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("ts", dt.datetime(1969, 12, 31, 23, 59, 59, 999999, dt.UTC), dt.datetime(2024, 8, 1, 12, 0, 0, 1, dt.UTC)),
        ("u64", Decimal(0), Decimal(2**64 - 1)),
        ("u32", 0, 2**32 - 1),
        ("e8", "buy", "it's, (x)"),
        ("raw", b"\xff\x00\xfe", b""),
        ("d38", Decimal("-9999999999999999999999.9999999999999999"), Decimal("0.0000000000000001")),
        ("local", dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC), dt.datetime(2024, 7, 1, 4, tzinfo=dt.UTC)),
        (
            "nanos",
            dt.datetime(2024, 1, 1, 0, 0, 0, 123456, dt.UTC),
            dt.datetime(2262, 4, 11, 23, 47, 16, 854775, dt.UTC),
        ),
        ("lns", None, ""),
        ("nd", None, Decimal(0)),
        ("nd9", None, Decimal("-0.01")),
        ("nd38", None, Decimal("-1.5")),
        ("nu64", None, Decimal(2**64 - 1)),
        ("nms", None, dt.datetime(2024, 1, 1, 0, 0, 0, 500000, dt.UTC)),
        ("an", [None, 0], [None]),
        ("aa", [[], [Decimal("1.5")]], []),
        ("m", [], [("k", "v"), ("l", "")]),
        ("mn", [("a", None), ("b", Decimal(0))], [("c", Decimal("1.25"))]),
        ("ma", [("a", [])], [("b", [Decimal(2**64 - 1)])]),
    ],
)
def test_cold_values_equal_the_values_in_this_file(
    types_in_cold: dict[str, list[Any]], column: str, first: Any, second: Any
) -> None:
    """The expected values are written in this file, not read from hot."""
    assert types_in_cold[column] == [first, second]


@pytest.fixture(scope="module")
def types_in_cold(chdb: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Cold rows of the table with every type, by column, in the order of n."""
    from tests.support.embedded import embedded

    for stage in embedded(chdb, tmp_path_factory.mktemp("types")):
        fill(stage)
        spec = stage.declared("types", **FIELDS)
        assert stage.run(spec).exit_code == 0
        return stage.cold(spec).sort_by("n").to_pydict()
    raise AssertionError("unreachable")
