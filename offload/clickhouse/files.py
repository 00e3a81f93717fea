"""Parquet files as ClickHouse reads them: `file()` in this process, `s3()` from a server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from offload.clickhouse import sql
from offload.clickhouse.connection.client import ClickHouse, only
from offload.io.warehouse import Warehouse, plain
from offload.model.columns import Column, TypeMapping


@dataclass(frozen=True)
class StoredFiles:
    """
    Reads data files with the engine that has the hot rows. Can be pickled.

    Attributes:
        client: The engine.
        warehouse: The folder or bucket of the files, as the engine sees it.
    """

    client: ClickHouse
    warehouse: Warehouse

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run one query that reads files; errors as `ClickHouse.rows_of_files`."""
        return self.client.rows_of_files(query)

    def row(self, query: str) -> tuple[Any, ...]:
        """Run one query that reads files and has exactly one row; errors as `ClickHouse.row`."""
        return only(self.rows(query), "the query of data files")

    def table(self, paths: Sequence[str]) -> str:
        """The table function that reads these files, for `FROM`."""
        return table_function(self.warehouse, paths)

    def hash_expression(self, columns: Sequence[Column], paths: Sequence[str], function: str = "cityHash64") -> str:
        """One hash over columns of these files, in their physical types."""
        return sql.hash_expression(self._physical(columns, paths[0]), function)

    def _physical(self, columns: Sequence[Column], path: str) -> list[tuple[str, TypeMapping]]:
        """Columns of a file as they are; only a UUID, for which ClickHouse has a type of its own, becomes bytes."""
        if not any(sql.has_uuid(column.mapping) for column in columns):
            return [(sql.identifier(column.name), column.mapping) for column in columns]
        types = {name: kind for name, kind, *_ in self.client.statement(f"DESCRIBE TABLE {self.table([path])}")}
        return [
            (
                sql.cast(column) if "UUID" in types.get(column.name, "") else sql.identifier(column.name),
                column.mapping,
            )
            for column in columns
        ]


def table_function(warehouse: Warehouse, uris: Sequence[str]) -> str:
    """The ClickHouse table function that reads these Parquet files."""
    paths = [plain(uri) for uri in uris]
    if not warehouse.remote:
        return f"file({sql.text(_braced(paths))}, 'Parquet')"
    endpoint = warehouse.endpoint_for_clickhouse or warehouse.endpoint
    # ClickHouse takes an address apart like a URL: only letters, digits and a few marks may stand in it as they are.
    encoded = [quote(path, safe="/-_.~=+&*") for path in paths]
    at = sql.text(f"{(endpoint or _amazon(warehouse.region)).rstrip('/')}/{_braced(encoded)}")
    keys = f", {sql.text(warehouse.access_key)}, {sql.text(warehouse.secret_key or '')}" if warehouse.access_key else ""
    return f"s3({at}{keys}, 'Parquet')"


def _amazon(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com"


def _braced(paths: Sequence[str]) -> str:
    """One glob for all paths; their common folder is outside the braces, since a path must begin with its root."""
    if len(paths) == 1:
        return paths[0]
    shared = os.path.commonpath([path.rpartition("/")[0] for path in paths])
    rests = ",".join(path.removeprefix(f"{shared}/") for path in paths)
    return f"{shared}/{{{rests}}}"
