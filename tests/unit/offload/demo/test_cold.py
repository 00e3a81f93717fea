"""The demo's reader sees what is wrong with the cold tier: each of its checks is proved by a planted bug."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from rich.console import Console

from offload.demo import cold
from offload.demo.story import Story
from offload.demo.workspace import CompletedRun, Workspace
from offload.errors import DataError

TABLE = "bronze_trades_binance"
SCHEMA: Any = pa.schema([(name, pa.string()) for name in cold.KEY])


def keys(*ids: int) -> Any:
    """Rows of key columns alone."""
    rows = [{"exchange": "binance", "symbol": "A", "trade_id": str(n)} for n in ids]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A demo that holds three trades hot, and as many cold in two commits."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.prepare()
    append(workspace, 1, 2)
    append(workspace, 3)
    story = Story(workspace, Console(quiet=True))
    story.record_hot({TABLE: 3})
    return story


def append(workspace: Workspace, *ids: int) -> None:
    """Put rows into cold, as an offload without any care would."""
    catalog = SqlCatalog("tidemark", uri=workspace.catalog_uri, warehouse=str(workspace.warehouse))
    catalog.create_namespace_if_not_exists("cold")
    catalog.create_table_if_not_exists(f"cold.{TABLE}", SCHEMA).append(keys(*ids))
    catalog.close()


def run(rows: int) -> CompletedRun:
    """The report of a run."""
    return CompletedRun({"tables": [{"table": TABLE, "rows": rows, "duplicates_dropped": 0}]}, seconds=1.0)


def test_a_run_that_moved_every_trade_once_is_told_as_such(story: Story) -> None:
    """Neither check fires on what is right."""
    story.record_offload("offload", run(3))

    assert story.steps[-1].rows == 3
    assert story.steps[-1].duplicates == 0


def test_a_lost_trade_fails_the_demo(story: Story) -> None:
    """Hot holds one that cold does not."""
    story.record_hot({TABLE: 4})

    with pytest.raises(DataError, match="every trade of ClickHouse"):
        story.record_offload("offload", run(4))


def test_a_doubled_trade_fails_the_demo_even_when_the_counts_agree(story: Story) -> None:
    """With one duplicate and one lost trade, the counts alone are right."""
    append(story.workspace, 3)
    story.record_hot({TABLE: 4})

    with pytest.raises(DataError, match="no duplicate trade in Iceberg"):
        story.record_offload("offload", run(4))


def test_a_run_that_reports_other_rows_than_it_moved_fails_the_demo(story: Story) -> None:
    """What the run says is checked against what a reader sees."""
    with pytest.raises(DataError, match="every trade that Iceberg lacked"):
        story.record_offload("offload", run(2))


def test_a_file_that_no_snapshot_refers_to_is_an_orphan(story: Story) -> None:
    """An orphan is on disk and in no snapshot; the history has the rows of each commit."""
    orphan = next(iter(story.workspace.data_files())).with_name("orphan.parquet")
    orphan.touch()

    with cold.opened(story.workspace.catalog_uri, story.workspace.warehouse) as reader:
        assert story.workspace.data_files() - reader.files() == {orphan}
        assert [rows for _, rows in reader.commits()] == [2, 3]
