"""The part that both environments share: one declared table, its addresses, and the settings of its runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.model import Addresses
from harness.readers.clickhouse import HotTableAddress
from harness.readers.watermarks import StoreTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from harness.model import ObjectStore

CATALOG = "tidemark"


@dataclass(frozen=True, kw_only=True)
class Environment(ABC):
    """
    One declared table, wherever its servers are.

    Attributes:
        table: Name of the hot table; the cold one is `cold.<table>`.
        settings: Further settings of the subject, by its own names.
    """

    table: str = "bronze_trades_binance"
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)  # addresses among them have passwords

    @property
    @abstractmethod
    def dsn(self) -> str:
        """The hot database as clickhouse-connect takes it."""

    @property
    @abstractmethod
    def catalog_uri(self) -> str:
        """SQLAlchemy address of the catalog."""

    @property
    @abstractmethod
    def store_url(self) -> str:
        """SQLAlchemy address of the watermark store."""

    @property
    @abstractmethod
    def warehouse(self) -> str:
        """Root folder or bucket of the cold tables."""

    @property
    def object_store(self) -> ObjectStore | None:
        """The object store of the warehouse; None: the warehouse is a folder."""
        return None

    @property
    def default_settings(self) -> Mapping[str, str]:
        """Settings of every run: a window ends now."""
        return {"buffer": "0"}

    @property
    def addresses(self) -> Addresses:
        """What a subject needs to run."""
        return Addresses(
            table=self.table,
            hot=self.dsn,
            catalog=self.catalog_uri,
            catalog_name=CATALOG,
            store=self.store_url,
            warehouse=self.warehouse,
            object_store=self.object_store,
            settings={**self.default_settings, **self.settings},
        )

    @property
    def hot(self) -> HotTableAddress:
        """The hot table."""
        return HotTableAddress(self.table, self.dsn)

    def with_settings(self, **settings: str) -> Self:
        """The same environment with further settings of the subject, such as `lease="2"`."""
        return replace(self, settings={**self.settings, **settings})

    def watermark_row(self) -> dict[str, Any]:
        """The table's row of `offload_watermarks`; empty: there is none."""
        return self._stored.watermark_row()

    def runs(self) -> Sequence[dict[str, Any]]:
        """The table's rows of `offload_runs`, oldest first."""
        return self._stored.runs()

    def store(self, statement: str, **values: Any) -> Sequence[dict[str, Any]]:
        """Run a statement on the watermark store, as an operator does; `:table` is the table's name."""
        return self._stored.ask(statement, **values)

    @property
    def _stored(self) -> StoreTable:
        return StoreTable(self.table, self.store_url)
