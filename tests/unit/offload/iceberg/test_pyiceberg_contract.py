"""
The behaviour and the private members of PyIceberg 0.12 that offload/iceberg/ uses.

When one of these turns red after an upgrade, read offload/iceberg/fence.py and offload/iceberg/history.py again before
anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID, SetPropertiesUpdate

from offload.iceberg.catalog import ObservedCatalog

ROWS = pa.table({"n": pa.array([1, 2, 3], pa.int64())})
Request = tuple[tuple[Any, ...], tuple[Any, ...]]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    """A catalog with one table of three rows."""
    with closing(ObservedCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")) as opened:
        opened.create_namespace("cold")
        opened.create_table("cold.t", ROWS.schema).append(ROWS)
        yield opened


def staged(table: Table, rows: pa.Table | None = ROWS, **properties: str) -> Request:
    """One commit as commit.py stages it: an append, properties, and its own requirements."""
    transaction = table.transaction()
    if rows is None:
        transaction.update_snapshot(snapshot_properties={"token": "mine"}).fast_append().commit()
    else:
        transaction.append(rows)
    transaction.set_properties(properties or {"tidemark.token": "mine"})
    requirements = (
        AssertTableUUID(uuid=table.metadata.table_uuid),
        AssertRefSnapshotId(ref="main", **{"snapshot-id": table.metadata.current_snapshot_id}),
    )
    return requirements, transaction._updates  # what is pinned here


def files_of(table: Table) -> set[str]:
    """Every file that the table needs: manifest lists, manifests and data files of all snapshots."""
    found = set()
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            found |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io)}
    return found


def all_readable(table: Table) -> bool:
    """Whether each of them is there."""
    return all(table.io.new_input(path).exists() for path in files_of(table))


@pytest.mark.parametrize("retries", [None, "0", "1", "100"])
def test_a_stale_writer_is_refused_whatever_the_retry_property_says(catalog: SqlCatalog, retries: str | None) -> None:
    """The requirement on the head snapshot is checked, and nothing rebases."""
    if retries:
        with catalog.load_table("cold.t").transaction() as transaction:
            transaction.set_properties({"commit.retry.num-retries": retries})
    stale = catalog.load_table("cold.t")
    request = staged(stale)
    catalog.load_table("cold.t").append(ROWS)

    with pytest.raises(CommitFailedException):
        catalog.commit_table(stale, *request)

    now = catalog.load_table("cold.t")
    assert now.scan().to_arrow().num_rows == 6
    assert "tidemark.token" not in now.properties
    assert all_readable(now)


def test_a_first_writer_that_is_stale_is_refused_too(catalog: SqlCatalog) -> None:
    """A requirement of no snapshot at all is one as well."""
    catalog.create_table("cold.empty", ROWS.schema)
    stale = catalog.load_table("cold.empty")
    request = staged(stale)
    catalog.load_table("cold.empty").append(ROWS)

    with pytest.raises(CommitFailedException):
        catalog.commit_table(stale, *request)

    assert catalog.load_table("cold.empty").scan().to_arrow().num_rows == 3


def test_a_change_of_properties_alone_fences_no_other_writer(catalog: SqlCatalog) -> None:
    """Why properties change only together with a snapshot: this writer should have been refused, and is not."""
    stale = catalog.load_table("cold.t")
    request = staged(stale)
    with catalog.load_table("cold.t").transaction() as transaction:
        transaction.set_properties({"tidemark.token": "another's"})

    catalog.commit_table(stale, *request)

    assert catalog.load_table("cold.t").properties["tidemark.token"] == "mine"


def test_a_table_that_was_recreated_is_refused(catalog: SqlCatalog) -> None:
    """By its UUID."""
    stale = catalog.load_table("cold.t")
    request = staged(stale)
    catalog.drop_table("cold.t")
    catalog.create_table("cold.t", ROWS.schema)

    with pytest.raises(CommitFailedException):
        catalog.commit_table(stale, *request)

    assert catalog.load_table("cold.t").current_snapshot() is None


def test_a_repeated_commit_request_deletes_no_file(catalog: SqlCatalog) -> None:
    """The answer to the first was lost, the second is refused: every manifest and file of the first stays readable."""
    table = catalog.load_table("cold.t")
    request = staged(table)
    catalog.commit_table(table, *request)

    with pytest.raises(CommitFailedException):
        catalog.commit_table(table, *request)

    now = catalog.load_table("cold.t")
    assert now.scan().to_arrow().num_rows == 6
    assert len(now.metadata.snapshots) == 2
    assert all_readable(now)


def test_a_refused_commit_leaves_its_files_alone(catalog: SqlCatalog, tmp_path: Path) -> None:
    """Nothing may be deleted while the outcome is unknown."""
    stale = catalog.load_table("cold.t")
    request = staged(stale)
    catalog.load_table("cold.t").append(ROWS)
    before = {path for path in tmp_path.rglob("*.*") if path.suffix in {".parquet", ".avro"}}

    with pytest.raises(CommitFailedException):
        catalog.commit_table(stale, *request)

    assert before <= set(tmp_path.rglob("*.*"))


def test_snapshot_and_properties_are_one_commit(catalog: SqlCatalog) -> None:
    """A reader sees both or neither: one metadata file more, not two."""
    table = catalog.load_table("cold.t")
    before = len(table.metadata.metadata_log)

    catalog.commit_table(table, *staged(table))

    now = catalog.load_table("cold.t")
    assert len(now.metadata.metadata_log) == before + 1
    assert (len(now.metadata.snapshots), now.properties["tidemark.token"]) == (2, "mine")


def test_properties_are_not_applied_without_their_snapshot(catalog: SqlCatalog) -> None:
    """A refused request changes neither."""
    stale = catalog.load_table("cold.t")
    _, updates = staged(stale)
    impossible = (AssertRefSnapshotId(ref="main", **{"snapshot-id": 1}),)

    with pytest.raises(CommitFailedException):
        catalog.commit_table(stale, impossible, updates)

    assert catalog.load_table("cold.t").metadata_location == stale.metadata_location


def test_an_empty_append_makes_a_snapshot(catalog: SqlCatalog) -> None:
    """`adopt` and fencing snapshots rest on it: a new head, an operation append, no row more or less."""
    table = catalog.load_table("cold.t")
    head = table.metadata.current_snapshot_id

    catalog.commit_table(table, *staged(table, rows=None))

    now = catalog.load_table("cold.t")
    summary = now.current_snapshot().summary  # type: ignore[union-attr]
    assert now.metadata.current_snapshot_id not in {None, head}
    assert (summary.operation, summary["token"]) == (Operation.APPEND, "mine")
    assert now.scan().to_arrow().num_rows == 3


def test_the_transactions_updates_are_where_we_read_them(catalog: SqlCatalog) -> None:
    """`Transaction._updates` holds what `commit_table` takes, the properties last."""
    transaction = catalog.load_table("cold.t").transaction()
    transaction.append(ROWS)
    transaction.set_properties({"a": "b"})

    updates = transaction._updates  # what is pinned here

    assert isinstance(transaction, Transaction)
    assert isinstance(updates[-1], SetPropertiesUpdate)
    assert {update.action for update in updates} == {"add-snapshot", "set-snapshot-ref", "set-properties"}


def test_the_snapshot_id_is_known_before_the_commit(catalog: SqlCatalog) -> None:
    """It goes into the properties of the same commit."""
    table = catalog.load_table("cold.t")
    transaction = table.transaction()
    append = transaction.update_snapshot().fast_append()
    chosen = append.snapshot_id
    append.commit()

    catalog.commit_table(table, (), transaction._updates)  # what is pinned here

    assert catalog.load_table("cold.t").metadata.current_snapshot_id == chosen


def test_the_hook_is_called_after_the_upload_and_before_the_pointer_moves(catalog: SqlCatalog) -> None:
    """`SqlCatalog._write_metadata`: the metadata file is there, readers still see the old table."""
    assert isinstance(catalog, ObservedCatalog)
    table = catalog.load_table("cold.t")
    request = staged(table)
    seen: list[tuple[int, int]] = []
    folder = Path(table.location().removeprefix("file://")) / "metadata"
    before = len(list(folder.glob("*.metadata.json")))

    def on_uploaded() -> None:
        uploaded = len(list(folder.glob("*.metadata.json"))) - before
        seen.append((uploaded, len(catalog.load_table("cold.t").metadata.snapshots)))

    catalog.observed(on_uploaded).commit_table(table, *request)

    assert seen == [(1, 1)]
    assert len(catalog.load_table("cold.t").metadata.snapshots) == 2


def test_the_callback_of_one_commit_is_not_called_by_another(catalog: SqlCatalog) -> None:
    """Two tables may commit at the same time through one catalog: each has a committer of its own."""
    assert isinstance(catalog, ObservedCatalog)
    called: list[str] = []
    first, second = (catalog.observed(lambda name=name: called.append(name)) for name in ("first", "second"))

    second.commit_table(table := catalog.load_table("cold.t"), *staged(table))
    catalog.commit_table(table := catalog.load_table("cold.t"), *staged(table))
    first.commit_table(table := catalog.load_table("cold.t"), *staged(table))

    assert called == ["second", "first"]


def test_an_error_of_the_callback_prevents_the_commit(catalog: SqlCatalog) -> None:
    """A run that dies there has published nothing."""
    assert isinstance(catalog, ObservedCatalog)
    table = catalog.load_table("cold.t")
    request = staged(table)

    def on_uploaded() -> None:
        raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        catalog.observed(on_uploaded).commit_table(table, *request)

    assert len(catalog.load_table("cold.t").metadata.snapshots) == 1


def test_a_catalog_that_cannot_be_opened_leaves_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine is closed again when its own constructor fails."""
    closed: list[bool] = []
    monkeypatch.setattr(SqlCatalog, "close", lambda _self: closed.append(True))

    with pytest.raises(Exception, match="unable to open database file"):
        ObservedCatalog("c", uri=f"sqlite:///{tmp_path}/nowhere/c.db", warehouse=f"file://{tmp_path}")

    assert closed == [True]


def test_merging_of_manifests_is_switched_by_one_member(catalog: SqlCatalog) -> None:
    """Off by default; commit.py switches it on, and the rows stay as they are."""
    table = catalog.load_table("cold.t")
    with table.transaction() as transaction:
        transaction.set_properties({"commit.manifest.min-count-to-merge": "2"})
    table = catalog.load_table("cold.t")
    transaction = table.transaction()
    append = transaction.update_snapshot().merge_append()
    assert append._merge_enabled is False
    append._merge_enabled = True
    append.commit()
    for _ in range(3):
        catalog.load_table("cold.t").append(ROWS)
    table = catalog.load_table("cold.t")
    transaction = table.transaction()
    append = transaction.update_snapshot().merge_append()
    append._merge_enabled = True
    append.commit()
    catalog.commit_table(table, (), transaction._updates)

    now = catalog.load_table("cold.t")
    assert len(now.current_snapshot().manifests(now.io)) == 1
    assert now.scan().to_arrow().num_rows == 12


def test_an_overwrite_adds_and_removes_files_in_one_snapshot(catalog: SqlCatalog) -> None:
    """`Table.overwrite` makes two; a removed file is known by its path."""
    catalog.load_table("cold.t").append(ROWS)
    table = catalog.load_table("cold.t")
    first, second = (task.file for task in table.scan().plan_files())
    transaction = table.transaction()
    change = transaction.update_snapshot(snapshot_properties={"token": "mine"}).overwrite()
    change.delete_data_file(first)
    change.append_data_file(second)  # any file: what counts is that both are in one snapshot
    change.commit()
    catalog.commit_table(table, (), transaction._updates)

    now = catalog.load_table("cold.t")
    summary = now.current_snapshot().summary  # type: ignore[union-attr]
    assert len(now.metadata.snapshots) == 3
    assert (summary.operation, summary["token"]) == (Operation.OVERWRITE, "mine")
    assert (summary["added-data-files"], summary["deleted-data-files"], summary["total-records"]) == ("1", "1", "6")
    assert first.file_path not in {task.file.file_path for task in now.scan().plan_files()}
