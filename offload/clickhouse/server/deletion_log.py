"""How rows of a hot table were deleted, from `system.mutations` and `system.part_log`, where they may be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse.connection.client import ClickHouse
from offload.errors import OffloadError
from offload.ports.source import DeletionLog

LISTED = 3  # of each kind, the last ones
SHOWN = 120  # characters of a command
_LIGHTWEIGHT = "UPDATE _row_exists = 0 "  # the mutation that ClickHouse makes of DELETE FROM
_DELETES = f"match(command, '^[(]?(DELETE |{_LIGHTWEIGHT})')"
_AT = "toString({}, 'UTC')"


@dataclass(frozen=True)
class ClickHouseDeletionLog(DeletionLog):
    """
    The log of one table.

    Attributes:
        client: The server or chDB folder.
        database: The database as an SQL literal.
        table: The table as an SQL literal.
    """

    client: ClickHouse
    database: str
    table: str

    @override
    def since(self, time: int | None) -> Sequence[str]:
        return [*self._mutations(time), *self._dropped(time)]

    def _mutations(self, time: int | None) -> Iterator[str]:
        asked = f"SELECT command, {_AT.format('create_time')}, mutation_id FROM system.mutations "
        where = f"{self._where('create_time', time)} AND {_DELETES} ORDER BY create_time DESC, mutation_id"
        for command, at, name in self._rows(f"{asked}{where} LIMIT {LISTED}"):
            yield f"{_shown(command)} at {at} UTC (system.mutations, {name})"

    def _dropped(self, time: int | None) -> Iterator[str]:
        """A partition that is dropped, and each of a table that is truncated, is covered by an empty part."""
        asked = f"SELECT partition, {_AT.format('max(event_time)')} AS tidemark_at FROM system.part_log "
        where = f"{self._where('event_time', time)} AND event_type = 'NewPart' AND rows = 0 AND error = 0"
        found = self._rows(f"{asked}{where} GROUP BY partition ORDER BY tidemark_at DESC, partition LIMIT {LISTED}")
        for partition, at in found:
            yield f"partition {partition} dropped or truncated at {at} UTC (system.part_log)"

    def _where(self, column: str, time: int | None) -> str:
        where = f"WHERE database = {self.database} AND table = {self.table}"
        return where if time is None else f"{where} AND {column} >= toDateTime({time // 1_000_000})"

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        try:
            return self.client.rows(query)
        except OffloadError:  # a table that is not there or may not be read: the deletion is reported all the same
            return []


def _shown(command: str) -> str:
    plain = command.removeprefix("(").removesuffix(")") if command.startswith("(") else command
    if plain.startswith(_LIGHTWEIGHT):
        plain = f"lightweight DELETE {plain.removeprefix(_LIGHTWEIGHT)}"
    return plain if len(plain) <= SHOWN else f"{plain[: SHOWN - 1]}…"
