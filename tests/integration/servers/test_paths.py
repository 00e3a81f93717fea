"""Names in addresses: letters beyond ASCII, blanks and marks in a warehouse, a column or a partition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from harness.environments.servers import ServerEnvironment, server_environment
from harness.readers.clickhouse import opened
from harness.readers.watermarks import with_driver
from harness.stack.stack import Stack
from harness.trades.tagged import START, TaggedTrades
from tests.support.offload import run_offload
from tests.support.run import refusal_of, run

DECLARATION = """
name = "readings"
source = "readings"
target = "cold.readings"
layer = "bronze"
timestamp = "event time ü#1"
sequence = "seq"
partition = [{column = "städte {a,b}", transform = "identity"}]
"""
TABLE = """
CREATE TABLE readings (`event time ü#1` DateTime64(3, 'UTC'), seq UInt32, `städte {a,b}` String)
ENGINE = MergeTree ORDER BY seq
"""
CITIES = ["Zürich", "a b", "c#d", "%20", "{1,2}", "*?", "/", "..", "東京"]


@pytest.fixture
def environment(stack: Stack) -> Iterator[ServerEnvironment]:
    """A table with rows."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(50))
        yield environment


@pytest.mark.parametrize("prefix", ["la ke", "lücke", "lake%20x", "l+ke", "env=prod", "a/b/c", "x&y=z"])
def test_a_warehouse_of_any_name_can_be_read_by_the_server(environment: ServerEnvironment, prefix: str) -> None:
    """The server's `s3()` takes an address apart like a URL."""
    ended = run(environment, OFFLOAD_WAREHOUSE=f"s3://{environment.bucket}/{prefix}")

    assert ended.returncode == 0, ended.stdout
    assert environment.watermark_row()["last_offload_row_count"] == 50


@pytest.mark.parametrize("prefix", ["lake#1", "lake?x", "lake{a,b}", "lake*"])
def test_a_warehouse_that_no_reader_could_open_is_78(environment: ServerEnvironment, prefix: str) -> None:
    """Before anything is written: PyIceberg cuts an address at `#` and `?`, and ClickHouse reads a pattern."""
    ended = run(environment, OFFLOAD_WAREHOUSE=f"s3://{environment.bucket}/{prefix}")
    (table,) = json.loads(ended.stdout)["tables"]

    assert (ended.returncode, table["error"]["kind"]) == (78, "ConfigurationError"), table
    assert "OFFLOAD_WAREHOUSE" in table["error"]["next"]


def test_columns_and_partitions_of_any_name_are_published_and_read(
    environment: ServerEnvironment, tmp_path: Path
) -> None:
    """The folders of data files have letters of ASCII only; the values are in the manifest."""
    (tmp_path / "readings.toml").write_text(DECLARATION, "utf-8")
    with opened(environment.dsn) as client:
        client.command(TABLE)
        for number, city in enumerate(CITIES):
            client.insert("readings", [[START, number, city]])
    from dataclasses import replace

    ended = run_offload(["run", "readings", "--json"], environment, changed={"OFFLOAD_TABLES": str(tmp_path)})

    assert ended.returncode == 0, ended.stdout
    cold = replace(environment, table="readings").cold
    with closing(SqlCatalog("tidemark", uri=cold.catalog_uri, warehouse=cold.warehouse, **cold.properties)) as catalog:
        found = catalog.load_table("cold.readings").scan().to_arrow()
    assert sorted(found.column("städte {a,b}").to_pylist()) == sorted(CITIES)


def test_another_search_path_makes_no_second_table(environment: ServerEnvironment) -> None:
    """In another schema there is an empty catalog and an empty store; the first table's folder tells."""
    assert run(environment).returncode == 0
    uri = with_driver(environment.catalog_uri)
    from sqlalchemy import create_engine, text

    engine = create_engine(uri, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA other"))
    engine.dispose()
    moved = f"{environment.catalog_uri}?options=-csearch_path%3Dother"

    for _ in range(2):  # a scheduler runs it again
        code, error = refusal_of(environment, {"OFFLOAD_CATALOG_URI": moved, "OFFLOAD_WATERMARKS_URL": moved})

        assert (code, error["kind"]) == (78, "ConfigurationError"), error
        assert "search_path" in error["found"]
    assert run(environment).returncode == 0
