"""Wrong schema, content or history: exit 65, nothing published."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from tests.support.command_line import TRADES, Offload, flags
from tests.support.embedded import PLAIN, START, Embedded


def refused(stage: Embedded, offload: Offload, *words: str) -> str:
    """Run, check for exit 65 and that nothing is published; return the message."""
    before = stage.published(stage.declared("trades"))
    answer = offload("run", *(words or ("trades",)))

    assert (answer.code, answer.error["kind"]) == (65, "DataError"), answer
    assert stage.published(stage.declared("trades")) == before
    return " | ".join(answer.error.values())


def test_a_source_table_that_is_missing_is_named(stage: Embedded, offload: Offload) -> None:
    """The declaration is there, the hot table is not."""
    assert "trades" in refused(stage, offload)


@pytest.mark.parametrize("role", ["timestamp", "sequence", "arrival"])
def test_a_missing_column_is_named_with_the_columns_that_exist(stage: Embedded, offload: Offload, role: str) -> None:
    """The message has its role, its name and the existing columns."""
    stage.trades(10)
    column = {"timestamp": "exchange_timestamp", "sequence": "sequence_number", "arrival": "arrived_at"}[role]
    offload.declare(
        "\n".join(line.replace(column, "nowhere") if line.startswith(role) else line for line in TRADES.splitlines())
    )

    message = refused(stage, offload)

    assert "nowhere" in message
    assert role in message
    assert column in message


@pytest.mark.parametrize("field", ["key", "delivery", "sort", "unsigned_as_long", "binary", "truncate"])
def test_a_list_that_names_a_missing_column_is_refused(stage: Embedded, offload: Offload, field: str) -> None:
    """Every column that a declaration names must be there."""
    stage.trades(10)
    kept = "\n".join(line for line in TRADES.splitlines() if not line.startswith(field))
    offload.declare(f'{kept}\n{field} = ["nowhere"]')

    assert "nowhere" in refused(stage, offload)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("exchange_timestamp", "String"),
        ("exchange_timestamp", "Date"),
        ("exchange_timestamp", "UInt64"),
        ("exchange_timestamp", "Nullable(DateTime64(6, 'UTC'))"),
        ("exchange_timestamp", "DateTime64(9, 'UTC')"),
        ("sequence_number", "String"),
        ("sequence_number", "Float64"),
        ("sequence_number", "Nullable(UInt64)"),
        ("trade_id", "Nullable(String)"),
        ("trade_id", "Array(String)"),
    ],
)
def test_a_column_of_a_wrong_type_is_refused(stage: Embedded, offload: Offload, column: str, kind: str) -> None:
    """Column and type are named."""
    types = {
        "symbol": "String",
        "trade_id": "String",
        "sequence_number": "UInt64",
        "exchange_timestamp": "DateTime64(6, 'UTC')",
        "kafka_offset": "Int64",
        "arrived_at": "DateTime64(3, 'UTC')",
        column: kind,
    }
    stage.sql(
        f"CREATE TABLE trades ({', '.join(f'{n} {t}' for n, t in types.items())}) ENGINE = MergeTree ORDER BY symbol"
    )

    message = refused(stage, offload)

    assert column in message
    assert kind in message


@pytest.mark.parametrize(
    "kind",
    [
        "Tuple(Int8, String)",
        "Tuple(a Int8, b String)",
        "JSON",
        "IPv4",
        "IPv6",
        "Int128",
        "UInt256",
        "Decimal(76, 2)",
        "Array(Tuple(Int8, Int8))",
        "Map(String, IPv4)",
        "Nested(a Int8)",
        "AggregateFunction(sum, UInt64)",
        "SimpleAggregateFunction(sum, UInt64)",
        "Variant(String, Int64)",
        "Dynamic",
        "Point",
        "Array(DateTime64(9))",
    ],
)
def test_a_type_that_iceberg_cannot_store_is_refused_by_name(stage: Embedded, offload: Offload, kind: str) -> None:
    """Never dropped and never converted to text: exit 65 with column and type, and no table is created."""
    stage.sql(f"CREATE TABLE odd (n UInt64, ts DateTime64(6, 'UTC'), strange {kind}) ENGINE = MergeTree ORDER BY n")
    spec = stage.declared("odd", timestamp="ts", sequence="n")

    answer = offload("run", *flags(spec))

    assert (answer.code, answer.error["kind"]) == (65, "DataError"), answer
    assert "strange" in answer.error["found"]
    assert stage.published(spec) == 0


def test_an_unsigned_value_above_a_long_is_refused_with_an_example(stage: Embedded, offload: Offload) -> None:
    """2^63 in a UInt64 that is declared as a long; 2^63 - 1 is stored."""
    stage.trades()
    for number in (2**63 - 1, 2**63):
        stage.sql(
            "INSERT INTO trades (symbol, trade_id, sequence_number, exchange_timestamp) "
            f"VALUES ('BTC', '{number}', {number}, '2024-08-01 00:00:00')"
        )

    message = refused(stage, offload)

    assert "sequence_number" in message
    assert str(2**63) in message
    assert str(2**63 - 1) not in message


def test_an_unsigned_value_above_a_long_is_stored_as_a_decimal(stage: Embedded, offload: Offload) -> None:
    """A UInt64 that is not declared as a long keeps all its values."""
    stage.trades()
    stage.sql(
        "INSERT INTO trades (symbol, trade_id, sequence_number, exchange_timestamp) "
        f"VALUES ('BTC', '1', {2**64 - 1}, {START})"
    )
    offload.declare(TRADES.replace('unsigned_as_long = ["sequence_number"]', ""))

    answer = offload("run", "trades")

    assert answer.code == 0, answer
    assert answer.document["tables"][0]["watermark"]["sequence"] == 2**64 - 1
    assert offload("status").document["tables"][0]["last_offload_max_sequence"] == 2**64 - 1


def create_cold(stage: Embedded, schema: pa.Schema, rows: int = 0) -> None:
    """A cold table as another job would leave it."""
    where = {"uri": f"sqlite:///{stage.folder}/catalog.db", "warehouse": (stage.folder / "warehouse").as_uri()}
    catalog = SqlCatalog("tidemark", **where)
    catalog.create_namespace("cold")
    table = catalog.create_table("cold.trades", schema)
    if rows:
        table.append(pa.Table.from_pylist([dict.fromkeys(schema.names, 1)] * rows, schema=schema))
    catalog.close()


def test_a_target_with_another_schema_is_refused_with_each_difference(stage: Embedded, offload: Offload) -> None:
    """An empty table of another job: the columns that hot lacks and that cold lacks are named."""
    stage.trades(10)
    create_cold(stage, pa.schema([("symbol", pa.int64()), ("extra", pa.int64())]))

    message = refused(stage, offload)

    assert "extra" in message
    assert "symbol: hot string required, cold long" in message
    assert "trade_id" in message


def test_a_column_that_was_added_to_hot_is_refused(stage: Embedded, offload: Offload) -> None:
    """A person must decide about a new column: it is neither dropped nor added."""
    stage.trades(10)
    offload("run", "trades")
    stage.sql("ALTER TABLE trades ADD COLUMN fee Decimal(18, 8)")
    stage.insert_trades("numbers(100, 10)", start=f"{START} + INTERVAL 1 DAY")

    assert "fee: hot decimal(18, 8) required, cold has none" in refused(stage, offload)


def test_a_target_that_another_job_filled_is_refused_and_adopt_is_named(stage: Embedded, offload: Offload) -> None:
    """The run does not append to rows without a token: `adopt` compares them first."""
    stage.trades(10)
    create_cold(stage, pa.schema([("symbol", pa.int64())]), rows=3)

    message = refused(stage, offload)

    assert "offload adopt trades" in message
    assert "3 rows" in message


def test_a_source_that_was_recreated_is_refused(stage: Embedded, offload: Offload) -> None:
    """The watermark of another table is not about this one; the command in the message, `adopt`, works."""
    stage.trades(10)
    offload("run", "trades")
    stage.sql("DROP TABLE trades SYNC")
    stage.trades(10)

    message = refused(stage, offload)
    adopted = offload("adopt", "trades")

    assert "recreated" in message
    assert "offload adopt trades" in message
    assert (adopted.code, offload("run", "trades").code) == (0, 0)


def test_a_source_of_another_cluster_is_refused(stage: Embedded, offload: Offload) -> None:
    """The cluster's name is part of the identity."""
    stage.trades(10)
    offload("run", "trades")
    offload.set({"OFFLOAD_CLUSTER": "elsewhere"})

    assert "elsewhere" in refused(stage, offload)


@pytest.mark.parametrize("words", [["plan", "trades"], ["audit", "trades"], ["adopt", "trades"], ["run", "trades"]])
def test_every_command_says_that_the_source_is_missing(offload: Offload, words: list[str]) -> None:
    """Not only run: 65 with the table's name."""
    answer = offload(*words)

    assert answer.code == 65, answer
    assert "trades" in answer.error["expected"]


def test_an_empty_source_is_no_error(stage: Embedded, offload: Offload) -> None:
    """Exit 0, no rows, no snapshot, no watermark."""
    spec = stage.trades()

    answer = offload("run", "trades")
    (table,) = answer.document["tables"]

    assert (answer.code, table["status"], table["rows"], table["watermark"]) == (0, "nothing_new", 0, None)
    assert stage.published(spec) == 0


def test_nothing_new_is_no_error(stage: Embedded, offload: Offload) -> None:
    """Exit 0, and the watermark as it was."""
    stage.trades(10, engine=PLAIN)
    first = offload("run", "trades").document["tables"][0]

    again = offload("run", "trades")
    (table,) = again.document["tables"]

    assert (again.code, table["status"], table["rows"]) == (0, "nothing_new", 0)
    assert table["watermark"] == first["watermark"]


def test_one_bad_table_does_not_stop_the_others(stage: Embedded, offload: Offload) -> None:
    """The run has the most severe exit code, and the correct table is published."""
    stage.trades(10)
    offload.declare(TRADES.replace('"trades"', '"absent"').replace("cold.trades", "cold.absent"), "absent")

    answer = offload("run")

    assert answer.code == 65
    assert [table["status"] for table in answer.document["tables"]] == ["failed", "published"]
