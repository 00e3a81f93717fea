"""A commit on a table of many commits costs no more than on a new one: nothing copies its snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table.update import AssertRefSnapshotId

from offload.iceberg.catalog import ObservedCatalog
from offload.iceberg.staging import SharedEntries, Staging, shared

ROWS = pa.table({"n": pa.array([1, 2, 3], pa.int64())})


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    """A catalog with one table of two commits."""
    with closing(ObservedCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")) as opened:
        opened.create_namespace("cold")
        table = opened.create_table("cold.t", ROWS.schema)
        table.append(ROWS)
        table.append(ROWS)
        yield opened


def test_copies_of_the_metadata_share_its_snapshots(catalog: SqlCatalog) -> None:
    """As every commit copies it; the lists themselves are apart."""
    metadata = catalog.load_table("cold.t").metadata
    copied = metadata.model_copy(deep=True)
    longer = metadata.snapshots + metadata.snapshots[:1]

    assert len(metadata.snapshots) == 2
    for name in ("snapshots", "snapshot_log", "metadata_log"):
        before, after = getattr(metadata, name), getattr(copied, name)
        assert after is not before
        assert [id(entry) for entry in after] == [id(entry) for entry in before]
    assert [id(entry) for entry in deepcopy(longer)] == [id(entry) for entry in longer]


def test_a_shared_list_is_written_like_any_other(catalog: SqlCatalog) -> None:
    """The metadata file is the same."""
    metadata = catalog.load_table("cold.t").metadata
    plain = type(metadata).model_validate_json(metadata.model_dump_json())

    assert not isinstance(plain.snapshots, SharedEntries)
    assert shared(plain).model_dump_json() == plain.model_dump_json() == metadata.model_dump_json()


def test_a_transaction_applies_its_updates_once_until_another_is_staged(catalog: SqlCatalog) -> None:
    """And it sees each of them."""
    transaction = Staging(catalog.load_table("cold.t"))
    first = transaction.table_metadata

    assert transaction.table_metadata is first
    transaction.set_properties({"a": "1"})
    second = transaction.table_metadata
    assert second.properties["a"] == "1"
    assert transaction.table_metadata is second
    transaction.set_properties({"a": "2"})
    assert transaction.table_metadata.properties["a"] == "2"


def test_what_is_staged_that_way_is_committed_like_any_other(catalog: SqlCatalog) -> None:
    """An append and a property."""
    table = catalog.load_table("cold.t")
    transaction = Staging(table)
    transaction.append(ROWS)
    transaction.set_properties({"a": "1"})
    head = AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": table.metadata.current_snapshot_id})
    catalog.commit_table(table, (head,), transaction._updates)  # what offload/iceberg/fence.py does
    now = catalog.load_table("cold.t")

    assert now.scan().to_arrow().num_rows == 9
    assert now.properties["a"] == "1"
    assert len(now.metadata.snapshots) == 3
