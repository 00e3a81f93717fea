"""The hot tables of one ClickHouse: columns, identity and layout of each, and the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from offload.clickhouse import sql, types
from offload.clickhouse.cold_reader import ClickHouseColdReader
from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.hot_table import ClickHouseRows
from offload.clickhouse.layout import (
    READS_OTHERS,
    Layout,
    column_ttls,
    identity,
    key_parts,
    plain_key,
    ttl,
    ttl_columns,
    unreadable,
)
from offload.clickhouse.row_filter import RowFilter
from offload.clickhouse.server.deletion_log import ClickHouseDeletionLog
from offload.clickhouse.server.partitions import ClickHousePartitions
from offload.clickhouse.server.replica import REPLICATED, check_lag
from offload.clickhouse.server.view import ClickHouseView
from offload.clickhouse.statistics import ClickHouseStatistics
from offload.clickhouse.verifier import ClickHouseVerifier
from offload.errors import AccessRefused, DataError
from offload.model.columns import SourceColumn
from offload.model.outline import TableOutline
from offload.model.table import TableSpec
from offload.model.token import SourceIdentity
from offload.ports.source import HotTable, Source
from offload.tables import declarations

# The table's UUID. chDB's default database shows none, but names the folder of the table's data by it. A database with
# the engine Ordinary has none at all: there a recreated table looks the same as the table before it.
_IDENTITY = (
    "if(toUInt128(uuid) != 0, toString(uuid), "
    "extract(arrayStringConcat(data_paths), '/store/[0-9a-f]{3}/([0-9a-f-]{36})/'))"
)
ILLEGAL_FINAL = {181}  # ErrorCodes.cpp of ClickHouse


class ClickHouseSource(Source):
    """
    The hot tables of one server or chDB folder.

    Args:
        client: The server or folder.
        cluster: The configured cluster name, part of each table's identity.
        files: Reads stored files with the same engine.
    """

    def __init__(self, client: ClickHouse, cluster: str, files: StoredFiles) -> None:
        self._client = client
        self._cluster = cluster
        self._files = files

    @override
    def now(self) -> int:
        return int(self._client.row("SELECT toUnixTimestamp64Micro(now64(6))")[0])

    @override
    def describe(self, spec: TableSpec) -> HotTable:
        uuid, engine, sorting_key, engine_full, total_rows, create_table = self._table(spec.source)
        if reason := unreadable(engine):
            raise DataError(
                f"{spec.source} to be of an engine whose rows stay as they are",
                f"the engine {engine}: {reason}",
                "offload the table that it is filled from, or a copy of it in a MergeTree table (docs/tables.md)",
            )
        self._check_visible(spec, engine)
        if engine.startswith(REPLICATED):
            check_lag(self._client, *self._at(spec.source))
        stored = self._stored_columns(spec.source)
        layout = Layout(
            engine,
            plain_key(sorting_key, {column[0] for column in stored}),
            ttl(engine_full),
            # Where a column stands only in an expression of the key, two partitions can have one sorting key.
            all(column[0] in key_parts(sorting_key) for column in stored if column[3]),
            sum(column[4] for column in stored) / total_rows if total_rows else 0.0,
            column_ttls(create_table),
            engine in READS_OTHERS and self._takes_final(spec),
            ttl_columns(engine_full, {name: kind for name, kind, *_ in stored}),
        )
        plain = {name for name, kind, *_ in stored if "(" not in kind or kind.startswith("DateTime")}
        full = declarations.complete(spec, layout.sorting_key, replacing=layout.replacing, plain=plain | _texts(stored))
        schema = types.map_columns(full, [_source_column(*column) for column in stored])
        rows = ClickHouseRows(self._client, self._files, RowFilter(schema, layout))
        return HotTable(
            schema=schema,
            identity=SourceIdentity(*identity(uuid, engine_full), self._cluster),
            stored_bytes_per_row=layout.stored_bytes_per_row,
            rows=rows,
            statistics=ClickHouseStatistics(rows),
            verifier=ClickHouseVerifier(rows, self._files),
            cold_reader=ClickHouseColdReader(rows, self._files),
            view=ClickHouseView(rows, self._files),
            deletions=ClickHouseDeletionLog(self._client, *self._at(spec.source)),
            partitions=ClickHousePartitions(rows),
        )

    @override
    def outline(self, source: str) -> TableOutline:
        _, engine, sorting_key, engine_full, *_ = self._table(source)
        stored = self._stored_columns(source)
        return TableOutline(
            source=source,
            engine=engine,
            unreadable=unreadable(engine),
            replacing="ReplacingMergeTree" in engine,
            columns=tuple(types.outlined(_source_column(*column)) for column in stored),
            sorting_key=plain_key(sorting_key, {column[0] for column in stored}),
            partitioned_by=tuple(column[0] for column in stored if column[3]),
            ttl=ttl(engine_full),
        )

    def _at(self, source: str) -> tuple[str, str]:
        """Database and table as SQL literals."""
        database, _, table = source.rpartition(".")
        return sql.text(database or self._client.database), sql.text(table)

    def _table(self, source: str) -> tuple[Any, ...]:
        database, table = self._at(source)
        # An aggregate has one row: no answer is taken for "no such table".
        count, *columns = self._client.row(
            f"SELECT count(), any({_IDENTITY}), any(engine), any(sorting_key), any(engine_full), "
            "any(ifNull(total_rows, 0)), any(create_table_query) "
            f"FROM system.tables WHERE database = {database} AND name = {table}"
        )
        if not count:
            raise DataError(
                f"a table {source} in ClickHouse",
                "no table of that name that this user may see",
                "offload tables",
            )
        return tuple(columns)

    def _stored_columns(self, source: str) -> list[tuple[Any, ...]]:
        database, table = self._at(source)
        columns = "(position, name, type, default_kind, is_in_partition_key, data_compressed_bytes, default_expression)"
        (found,) = self._client.row(
            f"SELECT arraySort(groupArray({columns})) FROM system.columns "
            f"WHERE database = {database} AND table = {table}"
        )
        return [tuple(column[1:]) for column in found if column[3] not in {"ALIAS", "EPHEMERAL"}]

    def _takes_final(self, spec: TableSpec) -> bool:
        """Whether the tables behind this one merge rows: only then ClickHouse accepts FINAL."""
        table = ".".join(sql.identifier(part) for part in spec.source.split("."))
        return self._client.accepts(f"SELECT 1 FROM {table} FINAL LIMIT 0", refusal=ILLEGAL_FINAL)

    def _check_visible(self, spec: TableSpec, engine: str) -> None:
        """
        Check that the user sees every column and every row.

        Raises:
            AccessRefused: The grant is for some columns, or a row policy hides rows.
        """
        if self._client.embedded:
            return  # chDB has no users
        table = ".".join(sql.identifier(part) for part in spec.source.split("."))
        self._client.statement(f"SELECT * FROM {table} LIMIT 0")  # refused where the grant is for some columns
        if "MergeTree" not in engine:
            return  # a view has conditions of its own
        # A query without a condition: a filter in its plan is a row policy's, in the words of both analyzers.
        plan = self._client.statement(f"EXPLAIN actions = 1 SELECT 1 FROM {table}")
        filters = [line.strip() for (line,) in plan if "Filter column" in line or "Prewhere filter" in line]
        if filters:
            raise AccessRefused(
                f"the user {self._client.user} to see every row of {spec.source}",
                f"a row policy, {filters[-1][:200]}",
                f"CREATE ROW POLICY offload_all ON {spec.source} USING 1 TO {self._client.user}, or exclude the user "
                "from the policy (docs/grants.md)",
            )


def _source_column(name: str, type_name: str, default_kind: str, *others: Any) -> SourceColumn:
    return SourceColumn(name, type_name, others[-1] if default_kind in {"DEFAULT", "MATERIALIZED"} else None)


def _texts(columns: Sequence[tuple[Any, ...]]) -> set[str]:
    return {column[0] for column in columns if column[1] in {"String", "LowCardinality(String)"}}
