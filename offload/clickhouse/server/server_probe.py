"""Proves that a ClickHouse is of a version that is supported, and that it reads the warehouse."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse.files import StoredFiles
from offload.errors import DataError
from offload.io.probe_file import COLUMN
from offload.ports.probes import HotServer


@dataclass(frozen=True)
class ClickHouseProbe(HotServer):
    """
    One server, or chDB.

    Attributes:
        files: Reads files of the warehouse with it.
    """

    files: StoredFiles

    @override
    def version(self) -> str:
        return str(self.files.client.row("SELECT version()")[0])

    @override
    def probe_value(self, uri: str) -> int | None:
        self.files.check_reachable()
        try:
            rows = self.files.rows(f"SELECT {COLUMN} FROM {self.files.table([uri])}")
        except DataError:  # the bucket answers that it has no such file
            return None
        return int(rows[0][0]) if rows else None
