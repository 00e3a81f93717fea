from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from harness.checkers.snapshots import check_lineage, check_nothing_added, check_tokens, check_whole_batches
from harness.checkers.trade_set import check_trade_set
from harness.model import ExpectedBatch, Ledger
from harness.readers.iceberg import (
    ColdTableAddress,
    live_files,
    orphaned_files,
    read_cold,
    read_history,
    read_properties,
)
from harness.readers.values import rows
from harness.verdict import assert_all

SCHEMA = pa.schema([("symbol", pa.string()), ("trade_id", pa.int64()), ("at", pa.timestamp("us", "UTC"))])


def trades(start: int, count: int) -> pa.Table:
    """Trades numbered from `start`."""
    numbers = range(start, start + count)
    return pa.Table.from_pylist([{"symbol": "BTC", "trade_id": one, "at": one} for one in numbers], schema=SCHEMA)


@pytest.fixture
def cold(tmp_path: Path) -> ColdTableAddress:
    """Where the table of a test lies."""
    return ColdTableAddress("cold.trades", f"sqlite:///{tmp_path}/catalog.db", f"file://{tmp_path}/warehouse", "test")


@pytest.fixture
def table(cold: ColdTableAddress) -> Iterator[Table]:
    """A small real table, made by a writer of its own."""
    catalog = SqlCatalog(cold.catalog_name, uri=cold.catalog_uri, warehouse=cold.warehouse)
    catalog.create_namespace("cold")
    yield catalog.create_table("cold.trades", SCHEMA, properties={"owner": "test"})
    catalog.close()


@pytest.fixture
def append(table: Table) -> Callable[..., None]:
    """Append trades, with a token where one is given."""

    def add(data: pa.Table, token: str | None = None) -> None:
        table.append(data, snapshot_properties={"token": token} if token else {})

    return add


def keys(start: int, count: int) -> frozenset[tuple[int]]:
    """The keys of `trades` of the same arguments."""
    return frozenset((one,) for one in range(start, start + count))


def test_a_table_of_whole_batches_passes_every_checker(cold: ColdTableAddress, append: Callable[..., None]) -> None:
    """Rows, keys, tokens, parents and totals are read as PyIceberg wrote them."""
    append(trades(0, 10), "one")
    append(trades(10, 5), "two")
    history = read_history(cold, key=["trade_id"], token="token")  # noqa: S106 - a property's name

    found = rows(read_cold(cold), ["trade_id"])

    assert [(one.operation, one.added_rows, one.total_rows, one.token) for one in history] == [
        ("append", 10, 10, "one"),
        ("append", 5, 15, "two"),
    ]
    batches = [ExpectedBatch.of("one", keys(0, 10)), ExpectedBatch.of("two", keys(10, 5))]
    assert_all(
        check_whole_batches(history, batches), check_lineage(history), check_tokens(history),
        check_trade_set(Ledger(acked=tuple(sorted(keys(0, 15)))), found),
    )  # fmt: skip


def test_half_a_batch_visible_in_an_older_snapshot_is_found(
    cold: ColdTableAddress, append: Callable[..., None]
) -> None:
    """The current snapshot is whole; what a reader saw earlier is in the snapshot of that time."""
    append(trades(0, 5))
    append(trades(5, 5))
    finding = check_whole_batches(read_history(cold, key=["trade_id"]), [ExpectedBatch.of("one", keys(0, 10))])

    assert finding.count == 1
    assert read_cold(cold, ["trade_id"]).num_rows == 10


def test_rows_lost_doubled_and_unexpected_are_found_in_a_real_table(
    cold: ColdTableAddress, append: Callable[..., None]
) -> None:
    """The last of ten is lost, one is doubled, one was never produced."""
    append(trades(0, 9))
    append(trades(3, 1))
    append(trades(77, 1))
    findings = check_trade_set(Ledger(acked=tuple(sorted(keys(0, 10)))), rows(read_cold(cold), ["trade_id"]))

    assert [(one.count, one.first) for one in findings] == [(1, "(9,)"), (1, "(3,) found 2 times"), (1, "(77,)")]


def test_a_failed_run_that_added_a_snapshot_is_found(cold: ColdTableAddress, append: Callable[..., None]) -> None:
    """Its history before and after is read from the catalog each time."""
    append(trades(0, 5))
    before = read_history(cold)
    assert_all(check_nothing_added(before, read_history(cold)))
    append(trades(5, 5))

    assert check_nothing_added(before, read_history(cold)).count == 1


def test_deleted_rows_are_no_longer_visible(cold: ColdTableAddress, table: Table, append: Callable[..., None]) -> None:
    """Keys are read at each snapshot; deleted rows are counted."""
    append(trades(0, 5))
    table.delete("trade_id < 5")
    history = read_history(cold, key=["trade_id"])

    assert [sum((one.visible or {}).values()) for one in history] == [5, 0]
    assert history[-1].deleted_rows == 5


def test_an_orphan_is_listed_and_a_live_file_is_not(
    cold: ColdTableAddress, table: Table, append: Callable[..., None]
) -> None:
    """A file of an older snapshot is not live, and no orphan either while that snapshot is listed."""
    append(trades(0, 5))
    table.delete("trade_id < 5")
    append(trades(5, 5))
    (live,) = live_files(cold)
    orphan = Path(live.removeprefix("file://")).parent / "of=BTC%2FUSDT" / "attempt.parquet"
    orphan.parent.mkdir()
    orphan.touch()

    assert orphaned_files(cold) == (orphan,)


def test_a_table_without_rows_has_neither_history_nor_files(cold: ColdTableAddress, table: Table) -> None:
    """A table that was only created is empty, and its properties can be read."""
    assert (read_history(cold), live_files(cold), orphaned_files(cold)) == ((), frozenset(), ())
    assert read_cold(cold).num_rows == 0
    assert read_properties(cold)["owner"] == table.properties["owner"]


def test_a_missing_table_is_told_unless_it_may_be_missing(cold: ColdTableAddress, table: Table) -> None:
    """A misspelt name must not read as an empty history."""
    missing = ColdTableAddress(f"{'.'.join(table.name())}x", cold.catalog_uri, cold.warehouse, cold.catalog_name)

    with pytest.raises(NoSuchTableError):
        read_history(missing)

    assert read_history(missing, missing_ok=True) == ()


def test_reading_shows_no_password(cold: ColdTableAddress) -> None:
    """The catalog's URL and the properties stay out of messages."""
    shown = repr(
        ColdTableAddress("a.b", "postgresql://u:secret@h/d", cold.warehouse, properties={"s3.secret": "secret"})
    )

    assert "secret" not in shown
