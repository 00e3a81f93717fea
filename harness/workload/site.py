"""The place of one test: a folder with both tiers, and the addresses of the catalog and the watermark store."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.reading.cold import ColdTable
from harness.reading.hot import HotTable
from harness.reading.store import StoreTable, driven

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CATALOG = "tidemark"


@dataclass(frozen=True)
class Site:
    """
    Where everything of one test is; nothing is shared with another.

    Attributes:
        folder: Holds the chDB folder and the warehouse.
        catalog_uri: SQLAlchemy address as the offload is given it.
        watermarks_url: Likewise.
        table: The declared table; its hot name is the same, its cold one `cold.<table>`.
        hot_folder: Name of the chDB folder: a copy of one is the same tables, open to another process.
        settings: Further `OFFLOAD_*` variables.
    """

    folder: Path
    catalog_uri: str = field(repr=False)
    watermarks_url: str = field(repr=False)
    table: str = "bronze_trades_binance"
    hot_folder: str = "clickhouse"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        """The chDB folder as clickhouse-connect takes it."""
        return f"chdb:///{self.folder / self.hot_folder}?database=default"

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
    def hot(self) -> HotTable:
        """The hot table."""
        return HotTable(self.table, self.dsn)

    @property
    def cold(self) -> ColdTable:
        """The cold table."""
        return ColdTable(f"cold.{self.table}", driven(self.catalog_uri), str(self.folder / "warehouse"), CATALOG)

    def having(self, **settings: str) -> Site:
        """The same place, with further variables: `lease="2"` is `OFFLOAD_LEASE=2`."""
        named = {f"OFFLOAD_{name.upper()}": value for name, value in settings.items()}
        return replace(self, settings={**self.settings, **named})

    def beside(self) -> Site:
        """
        The same place with a copy of the chDB folder, which a second process can open: the tables keep their UUIDs.

        Call it while nobody has the folder open.
        """
        shutil.copytree(self.folder / self.hot_folder, self.folder / "clickhouse-copy", symlinks=True)
        return replace(self, hot_folder="clickhouse-copy")

    def watermark_row(self) -> dict[str, Any]:
        """The table's row of `offload_watermarks`; empty where there is none."""
        return self._stored.watermark_row()

    def runs(self) -> Sequence[dict[str, Any]]:
        """The table's rows of `offload_runs`, oldest first."""
        return self._stored.runs()

    def store(self, statement: str, **values: Any) -> Sequence[dict[str, Any]]:
        """Run a statement on the watermark store, as an operator does; `:table` is the table's name."""
        return self._stored.ask(statement, **values)

    @property
    def _stored(self) -> StoreTable:
        return StoreTable(self.table, self.watermarks_url)
