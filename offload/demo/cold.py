"""What a reader of the cold tier sees: PyIceberg alone, nothing of the offload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = ("exchange", "symbol", "trade_id")


@contextmanager
def opened(uri: str, warehouse: Path) -> Iterator[Cold]:
    """Open the catalog to read; it must exist already."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("tidemark", uri=uri, warehouse=str(warehouse), init_catalog_tables="false")
    try:
        yield Cold(catalog)
    finally:
        catalog.close()


class Cold:
    """The current snapshots of the tables of namespace `cold`."""

    def __init__(self, catalog: Any) -> None:
        self._tables = {name[-1]: catalog.load_table(name) for name in sorted(catalog.list_tables("cold"))}

    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: table.scan().count() for name, table in self._tables.items()}

    def repeated(self) -> int:
        """Rows whose key stands in another row too, beyond the first of each; reads the keys of every row."""
        return sum(_repeated(table) for table in self._tables.values())

    def files(self) -> set[Path]:
        """The data files that current snapshots refer to."""
        tasks = (task for table in self._tables.values() for task in table.scan().plan_files())
        return {_path(task.file.file_path) for task in tasks}

    def locations(self) -> dict[str, str]:
        """Where each table lies."""
        return {name: table.location() for name, table in self._tables.items()}

    def commits(self) -> list[tuple[float, int]]:
        """Every commit of every table: seconds since 1970 UTC, and the rows of all tables after it; oldest first."""
        snapshots = sorted(
            (snapshot.timestamp_ms / 1000, name, int(snapshot.summary["total-records"]))
            for name, table in self._tables.items()
            for snapshot in table.snapshots()
        )
        rows: dict[str, int] = {}
        line = []
        for moment, name, total in snapshots:
            rows[name] = total
            line.append((moment, sum(rows.values())))
        return line


def _repeated(table: Any) -> int:
    keys = table.scan(selected_fields=KEY).to_arrow()
    return int(keys.num_rows - keys.group_by(list(KEY)).aggregate([]).num_rows)


def _path(location: str) -> Path:
    """PyIceberg takes what follows `file://` as it stands, percent signs included."""
    return Path(location.removeprefix("file://")).resolve()
