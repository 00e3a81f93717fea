"""The SQL catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog, SqlCatalogBaseTable

from offload.io.database import create_tables


class ObservedCatalog(SqlCatalog):
    """A SQL catalog that says when the metadata file is uploaded and the catalog has not yet been told."""

    told: Callable[[], None] | None = None

    def __init__(self, name: str, **properties: str) -> None:
        try:
            super().__init__(name, **properties)
        except Exception:
            self.close()  # what it has connected would stay open
            raise

    def create_tables(self) -> None:
        """Create the catalog's tables; another first run may do so at the same moment."""
        create_tables(SqlCatalogBaseTable.metadata, self.engine)

    def _write_metadata(self, metadata: Any, io: Any, metadata_path: str) -> None:  # type: ignore[override]
        super()._write_metadata(metadata, io, metadata_path)
        if self.told:
            self.told()
