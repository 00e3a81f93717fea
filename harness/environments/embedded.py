"""The environment of one test without servers: a folder with both tiers, a catalog and a watermark store."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.environments.base import CATALOG, Environment
from harness.readers.iceberg import ColdTableAddress
from harness.readers.watermarks import with_driver

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class EmbeddedEnvironment(Environment):
    """
    The addresses of one test; no other test has any of them.

    Attributes:
        folder: Has the chDB folder and the warehouse.
        catalog_url: SQLAlchemy address of the catalog.
        watermarks_url: SQLAlchemy address of the watermark store; may be another database than the catalog.
        hot_folder: Name of the chDB folder; a copy has the same tables and can be opened by another process.
    """

    folder: Path
    catalog_url: str = field(repr=False)
    watermarks_url: str = field(repr=False)
    hot_folder: str = "clickhouse"

    @property
    def dsn(self) -> str:
        """The chDB folder as clickhouse-connect takes it."""
        return f"chdb:///{self.folder / self.hot_folder}?database=default"

    @property
    def catalog_uri(self) -> str:
        """SQLAlchemy address of the catalog."""
        return self.catalog_url

    @property
    def store_url(self) -> str:
        """SQLAlchemy address of the watermark store."""
        return self.watermarks_url

    @property
    def warehouse(self) -> str:
        """The folder of the cold tables."""
        return str(self.folder / "warehouse")

    @property
    def cold(self) -> ColdTableAddress:
        """The cold table."""
        return ColdTableAddress(f"cold.{self.table}", with_driver(self.catalog_uri), self.warehouse, CATALOG)

    def beside(self) -> EmbeddedEnvironment:
        """
        The same environment with a copy of the chDB folder, which a second process can open; tables keep their UUIDs.

        No process may have the folder open.
        """
        shutil.copytree(self.folder / self.hot_folder, self.folder / "clickhouse-copy", symlinks=True)
        return replace(self, hot_folder="clickhouse-copy")
