"""The cold tables as a reader sees them: read with PyIceberg alone, without code of the offload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = ("exchange", "symbol", "trade_id")


@contextmanager
def opened(uri: str, warehouse: Path) -> Iterator[ColdTables]:
    """Open an existing catalog for reading; the catalog is closed at the end of the block."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("tidemark", uri=uri, warehouse=str(warehouse), init_catalog_tables="false")
    try:
        yield ColdTables(catalog)
    finally:
        catalog.close()


class ColdTables:
    """The tables of namespace `cold`, each at its current snapshot."""

    def __init__(self, catalog: Any) -> None:
        self._tables = {name[-1]: catalog.load_table(name) for name in sorted(catalog.list_tables("cold"))}

    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: table.scan().count() for name, table in self._tables.items()}

    def duplicates(self) -> int:
        """Rows of all tables beyond the first row of each key; this reads the key columns of every row."""
        return sum(_duplicates(table) for table in self._tables.values())

    def files(self) -> set[Path]:
        """The data files that the current snapshots refer to."""
        tasks = (task for table in self._tables.values() for task in table.scan().plan_files())
        return {_path(task.file.file_path) for task in tasks}

    def locations(self) -> dict[str, str]:
        """The location (a URL) of each table."""
        return {name: table.location() for name, table in self._tables.items()}

    def commits(self) -> list[tuple[float, int]]:
        """Every commit of every table: its time (seconds since 1970 UTC) and the rows of all tables after it."""
        snapshots = sorted(
            (snapshot.timestamp_ms / 1000, name, int(snapshot.summary["total-records"]))
            for name, table in self._tables.items()
            for snapshot in table.snapshots()
        )
        rows: dict[str, int] = {}
        history = []
        for time, name, total in snapshots:
            rows[name] = total
            history.append((time, sum(rows.values())))
        return history


def _duplicates(table: Any) -> int:
    keys = table.scan(selected_fields=KEY).to_arrow()
    return int(keys.num_rows - keys.group_by(list(KEY)).aggregate([]).num_rows)


def _path(location: str) -> Path:
    """PyIceberg does not decode percent signs after `file://`, so this function does not either."""
    return Path(location.removeprefix("file://")).resolve()
