"""The hot tables of one ClickHouse: what each is, how it is stored, and the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offload.clickhouse import sql, types
from offload.clickhouse.client import ClickHouse
from offload.clickhouse.hot_table import ClickHouseTable
from offload.clickhouse.layout import Layout, plain_key, ttl
from offload.errors import DataError
from offload.model.columns import SourceColumn
from offload.model.table import TableSpec
from offload.model.token import SourceIdentity
from offload.tables import declarations

# The table's UUID. chDB's default database shows none, but names the folder of its data by it; a database of the
# engine Ordinary has none at all, and there a table that is recreated cannot be told from the one before.
_IDENTITY = (
    "if(toUInt128(uuid) != 0, toString(uuid), "
    "extract(arrayStringConcat(data_paths), '/store/[0-9a-f]{3}/([0-9a-f-]{36})/'))"
)


class ClickHouseSource:
    """The hot tables of one server or chDB folder."""

    def __init__(self, client: ClickHouse, cluster: str) -> None:
        self._client = client
        self._cluster = cluster

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""
        return int(self._client.rows("SELECT toUnixTimestamp64Micro(now64(6))")[0][0])

    def describe(self, spec: TableSpec) -> ClickHouseTable:
        """
        Look at the table as it is now.

        Raises:
            DataError: It is missing, a named column is missing or of a wrong type, or a type cannot be carried.
        """
        database, _, table = spec.source.rpartition(".")
        at = f"database = {sql.text(database or self._client.database)}"
        tables = self._client.rows(
            f"SELECT {_IDENTITY}, engine, sorting_key, engine_full, ifNull(total_rows, 0) FROM system.tables "
            f"WHERE {at} AND name = {sql.text(table)}"
        )
        if not tables:
            raise DataError(
                f"a table {spec.source} in ClickHouse", "none of that name that the user may see", "offload tables"
            )
        uuid, engine, sorting_key, engine_full, rows = tables[0]
        columns = self._client.rows(
            "SELECT name, type, default_kind, is_in_partition_key, is_in_sorting_key, "
            f"data_compressed_bytes FROM system.columns WHERE {at} AND table = {sql.text(table)} ORDER BY position"
        )
        stored = [column for column in columns if column[2] not in {"ALIAS", "EPHEMERAL"}]
        layout = Layout(
            engine,
            plain_key(sorting_key, {column[0] for column in stored}),
            ttl(engine_full),
            all(column[4] for column in stored if column[3]),
            sum(column[5] for column in stored) / rows if rows else 0.0,
        )
        plain = {name for name, type_name, *_ in stored if "(" not in type_name or type_name.startswith("DateTime64")}
        full = declarations.complete(spec, layout.sorting_key, replacing=layout.replacing, plain=plain | _texts(stored))
        schema = types.map_columns(full, [SourceColumn(name, type_name) for name, type_name, *_ in stored])
        return ClickHouseTable(self._client, schema, SourceIdentity(uuid, self._cluster), layout)


def _texts(columns: Sequence[tuple[Any, ...]]) -> set[str]:
    return {column[0] for column in columns if column[1] in {"String", "LowCardinality(String)"}}
