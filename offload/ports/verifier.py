"""The verifier's port: compares stored files with hot rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from offload.model.columns import TableSchema
from offload.model.fingerprint import Fingerprint
from offload.model.windows import Window
from offload.ports.source import HotTable


class Verifier(Protocol):
    """The engine that reads what was stored and holds it against the hot rows. Never writes."""

    def stored(self, schema: TableSchema, paths: Sequence[str]) -> dict[str, Fingerprint]:
        """
        Fingerprint each stored file, read in its physical types; a file without rows must not be asked about.

        Raises:
            DataError: A file is missing or unreadable: it is never left out of the answer.
        """

    def late(self, hot: HotTable, asked: LateRowsQuery, cold_files: Callable[[int, int], Sequence[str]]) -> int:
        """Count the late keys that cold lacks; `cold_files` takes ticks, inclusive."""

    def exclude_existing(self, hot: HotTable, window: Window, files: Sequence[str]) -> int:
        """
        Make `hot` mean only rows whose keys those files lack; returns how many rows it leaves out.

        Raises:
            DataError: A key stands in cold with another content.
        """

    def newest(self, schema: TableSchema, paths: Sequence[str]) -> int:
        """The largest timestamp in those files, in ticks of the source column, rounded up where it was cut."""

    def compare(self, hot: HotTable, window: Window, files: Sequence[str]) -> Difference:
        """Hold hot against cold, in every column but the delivery columns."""


@dataclass(frozen=True)
class LateRowsQuery:
    """Which hot rows may be late: of the window, and arrived at or after `since` (microseconds UTC; None: whenever)."""

    window: Window
    since: int | None


@dataclass(frozen=True)
class Difference:
    """Hot against cold over a stretch of time, in rows; on the hot side a key counts once."""

    hot_rows: int
    cold_rows: int
    missing: int
    extra: int
    different: int
