"""The place of one test: a folder with both tiers, and the addresses of the catalog and the watermark store."""

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
    Where everything of one test is; nothing is shared with another.

    Attributes:
        folder: Holds the chDB folder and the warehouse.
        catalog_uri: SQLAlchemy address as the offload is given it.
        watermarks_url: Likewise.
        hot_folder: Name of the chDB folder: a copy of one is the same tables, open to another process.
    """

    folder: Path
    catalog_uri: str = field(repr=False)
    watermarks_url: str = field(repr=False)
    hot_folder: str = "clickhouse"

    @property
    def dsn(self) -> str:
        """The chDB folder as clickhouse-connect takes it."""
        return f"chdb:///{self.folder / self.hot_folder}?database=default"

    @property
    def store_url(self) -> str:
        """The watermark store, which may be another database than the catalog."""
        return self.watermarks_url

    @property
    def env(self) -> dict[str, str]:
        """The environment of a child; a window ends at the clock, without a buffer."""
        return {
            "OFFLOAD_CLICKHOUSE_DSN": self.dsn,
            "OFFLOAD_CATALOG_URI": self.catalog_uri,
            "OFFLOAD_CATALOG_NAME": CATALOG,
            "OFFLOAD_WATERMARKS_URL": self.watermarks_url,
            "OFFLOAD_WAREHOUSE": str(self.folder / "warehouse"),
            "OFFLOAD_BUFFER": "0",
            **self.settings,
        }

    @property
    def cold(self) -> ColdTableAddress:
        """The cold table."""
        return ColdTableAddress(
            f"cold.{self.table}", with_driver(self.catalog_uri), str(self.folder / "warehouse"), CATALOG
        )

    def beside(self) -> EmbeddedEnvironment:
        """
        The same place with a copy of the chDB folder, which a second process can open: the tables keep their UUIDs.

        Call it while nobody has the folder open.
        """
        shutil.copytree(self.folder / self.hot_folder, self.folder / "clickhouse-copy", symlinks=True)
        return replace(self, hot_folder="clickhouse-copy")
