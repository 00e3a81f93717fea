"""What the places of both profiles share: one declared table, the settings of its children, its rows in the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.readers.clickhouse import HotTableAddress
from harness.readers.watermarks import StoreTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

CATALOG = "tidemark"


@dataclass(frozen=True, kw_only=True)
class Environment(ABC):
    """
    One declared table, wherever it is.

    Attributes:
        table: Its hot name; its cold one is `cold.<table>`.
        settings: Further `OFFLOAD_*` variables of every child.
    """

    table: str = "bronze_trades_binance"
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)  # addresses among them hold passwords

    @property
    @abstractmethod
    def dsn(self) -> str:
        """The hot database as clickhouse-connect and the offload take it."""

    @property
    @abstractmethod
    def store_url(self) -> str:
        """The watermark store as the offload is given it."""

    @property
    def hot(self) -> HotTableAddress:
        """The hot table."""
        return HotTableAddress(self.table, self.dsn)

    def with_settings(self, **settings: str) -> Self:
        """The same place, with further variables: `lease="2"` is `OFFLOAD_LEASE=2`."""
        named = {f"OFFLOAD_{name.upper()}": value for name, value in settings.items()}
        return replace(self, settings={**self.settings, **named})

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
        return StoreTable(self.table, self.store_url)
