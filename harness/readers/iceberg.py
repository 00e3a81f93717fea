"""Reads an Iceberg table and its history through PyIceberg, and never writes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import PyArrowFileIO

from harness.model import SnapshotRecord
from harness.readers.arrow import Table as ArrowTable
from harness.readers.arrow import fs
from harness.readers.values import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True)
class ColdTableAddress:
    """
    The address of an Iceberg table.

    Attributes:
        name: `namespace.table`.
        catalog_uri: Address of the catalog; may have a password and is never shown.
        warehouse: Root folder or bucket.
        catalog_name: Name under which the catalog keeps its tables.
        properties: Further PyIceberg properties, such as those of S3; never shown.
    """

    name: str
    catalog_uri: str = field(repr=False)
    warehouse: str
    catalog_name: str = "default"
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)


@contextmanager
def opened(cold: ColdTableAddress) -> Iterator[Table]:
    """
    Open the table as it is now; the catalog's connections are closed at the end.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    where = {"uri": cold.catalog_uri, "warehouse": cold.warehouse, "init_catalog_tables": "false"}
    catalog = SqlCatalog(cold.catalog_name, **{**cold.properties, **where})
    try:
        yield catalog.load_table(cold.name)
    finally:
        catalog.close()


def read_cold(cold: ColdTableAddress, columns: Sequence[str] = ("*",), snapshot_id: int | None = None) -> ArrowTable:
    """
    Read the rows of a snapshot, by default the current one.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    with opened(cold) as table:
        return table.scan(selected_fields=tuple(columns), snapshot_id=snapshot_id).to_arrow()


def read_properties(cold: ColdTableAddress) -> dict[str, str]:
    """
    Read the table's properties.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    with opened(cold) as table:
        return dict(table.properties)


def read_history(
    cold: ColdTableAddress, *, key: Sequence[str] = (), token: str | None = None, missing_ok: bool = False
) -> tuple[SnapshotRecord, ...]:
    """
    Read the listed snapshots, oldest first.

    Args:
        cold: The table.
        key: Key columns: the keys visible at each snapshot are read too.
        token: The summary property in which the writer names its batch.
        missing_ok: A table that does not exist has an empty history.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    try:
        with opened(cold) as table:
            listed = sorted(table.snapshots(), key=lambda snapshot: snapshot.sequence_number or 0)
            return tuple(_record(table, snapshot, key, token) for snapshot in listed)
    except NoSuchTableError:
        if missing_ok:
            return ()
        raise


def _record(table: Table, snapshot: Snapshot, key: Sequence[str], token: str | None) -> SnapshotRecord:
    summary = snapshot.summary
    properties = summary.additional_properties if summary else {}
    total = properties.get("total-records")
    return SnapshotRecord(
        snapshot_id=snapshot.snapshot_id,
        parent_id=snapshot.parent_snapshot_id,
        operation=summary.operation.value if summary else "unknown",
        added_rows=int(properties.get("added-records", 0)),
        deleted_rows=int(properties.get("deleted-records", 0)),
        total_rows=None if total is None else int(total),
        token=properties.get(token) if token else None,
        visible=_visible(table, snapshot, key) if key else None,
    )


def _visible(table: Table, snapshot: Snapshot, key: Sequence[str]) -> Counter[tuple[object, ...]]:
    scan = table.scan(selected_fields=tuple(key), snapshot_id=snapshot.snapshot_id)
    return Counter(rows(scan.to_arrow(), key))


def live_files(cold: ColdTableAddress) -> frozenset[str]:
    """
    List the paths, as the manifests spell them, of the current snapshot's data files.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    with opened(cold) as table:
        current = table.current_snapshot()
        return _paths(table, [current] if current else [])


def orphaned_files(cold: ColdTableAddress) -> tuple[Path, ...]:
    """
    List the files in the table's data folder that no listed snapshot names, sorted; in a bucket, `bucket/key`.

    Raises:
        NoSuchTableError: The catalog has no such table.
    """
    with opened(cold) as table:
        folder = table.properties.get("write.data.path", f"{table.location()}/data")
        named = {bare(path) for path in _paths(table, table.snapshots())}
        return tuple(sorted(set(_listed(table, folder)) - named))


def _listed(table: Table, folder: str) -> Iterator[Path]:
    """Every file below a folder, by the file system that the table's own reader uses."""
    io, address = PyArrowFileIO(table.io.properties), urlsplit(folder)
    files = io.fs_by_scheme(address.scheme or "file", address.netloc or None)
    selector = fs.FileSelector(str(bare(folder)), allow_not_found=True, recursive=True)
    return (Path(found.path) for found in files.get_file_info(selector) if found.is_file)


def _paths(table: Table, snapshots: Sequence[Snapshot]) -> frozenset[str]:
    manifests = {one.manifest_path: one for snapshot in snapshots for one in snapshot.manifests(table.io)}
    return frozenset(
        entry.data_file.file_path
        for manifest in manifests.values()
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    )


def bare(path: str) -> Path:
    """A path as a manifest spells it, without its scheme."""
    address = urlsplit(path)
    return Path(path.partition("://")[2]) if address.netloc else Path("/" + path.removeprefix("file:").lstrip("/"))
