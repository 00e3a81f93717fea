"""The view of both tiers: published files by name, and hot rows after their watermark."""

from __future__ import annotations

from dataclasses import dataclass, replace

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.hot_table import ClickHouseRows
from offload.errors import DataError
from offload.ports.view import TableView, ViewedState


@dataclass(frozen=True)
class ClickHouseView(TableView):
    """
    The view of one table.

    Attributes:
        rows: All rows of the hot table.
        files: Reads the published files.
    """

    rows: ClickHouseRows
    files: StoredFiles

    @override
    def statement(self, name: str, state: ViewedState) -> str:
        return self._statement(name, state, replace(self.files, warehouse=self.files.warehouse.without_secrets()))

    @override
    def create(self, name: str, state: ViewedState) -> None:
        client = self.rows.client
        database, table = (sql.text(part) for part in _parts(name, client.database))
        (engine,) = client.row(f"SELECT any(engine) FROM system.tables WHERE database = {database} AND name = {table}")
        if engine not in {"", "View"}:
            raise DataError(
                f"a view {name}, or no table of that name",
                f"a table of the engine {engine}",
                f"choose another name: {self.rows.schema.spec.command('view')} --name NAME --create",
            )
        client.statement(self._statement(name, state, self.files))

    @override
    def drop(self, name: str) -> None:
        self.rows.client.statement(f"DROP VIEW IF EXISTS {_quoted(name)}")

    def _statement(self, name: str, state: ViewedState, files: StoredFiles) -> str:
        branches = [self._hot(state, files)]
        if state.files:
            cold = files.cold(state.files, self.rows.schema)
            columns = ", ".join(f"{cold.value(column)} AS {sql.identifier(column.name)}" for column in cold.columns)
            branches.insert(0, f"SELECT {columns} FROM {cold.table}")
        return f"CREATE OR REPLACE VIEW {_quoted(name)} AS {' UNION ALL '.join(branches)}"

    def _hot(self, state: ViewedState, files: StoredFiles) -> str:
        """Hot rows after the watermark, one per key; a key that cold has at another time is cold's."""
        schema, row_filter = self.rows.schema, self.rows.filter
        key = ", ".join(map(sql.identifier, schema.spec.key))
        columns = ", ".join(f"{sql.cast(column)} AS {sql.identifier(column.name)}" for column in schema.columns)
        conditions = []
        if state.watermark is not None:
            after = sql.timestamp(state.watermark, schema.precision)
            conditions.append(f"{sql.identifier(schema.spec.timestamp)} > {after}")
        if key and not schema.spec.timestamp_follows_key and state.files:
            cold = files.cold(state.files, schema)
            hot_key, cold_key = (side.hash_expression(schema.identity) for side in (self.rows, cold))
            conditions.append(f"{hot_key} NOT IN (SELECT {cold_key} FROM {cold.table})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        final = " FINAL" if row_filter.layout.replacing else ""
        order = ", ".join(map(sql.identifier, (*schema.spec.key, *row_filter.delivery)))
        one = f" ORDER BY {order} LIMIT 1 BY {key}" if self.rows.keys_may_repeat else ""
        names = ", ".join(sql.identifier(column.name) for column in schema.columns)
        return f"SELECT {columns} FROM (SELECT {names} FROM {row_filter.raw}{final}{where}{one})"


def _parts(name: str, default: str) -> tuple[str, str]:
    database, _, table = name.rpartition(".")
    return database or default, table


def _quoted(name: str) -> str:
    return ".".join(sql.identifier(part) for part in name.split("."))
