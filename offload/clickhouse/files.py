"""Parquet files as ClickHouse reads them: `file()` in this process, `s3()` from a server."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from offload.clickhouse import sql
from offload.clickhouse.connection.client import ClickHouse, only
from offload.errors import ConfigurationError
from offload.io.warehouse import Warehouse, plain
from offload.model.columns import Column, TableSchema, TypeMapping
from offload.ports.verifier import FilesMissing


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

    def check_reachable(self) -> None:
        """
        Check that the engine can be where the files are.

        Raises:
            ConfigurationError: The warehouse is a folder of this machine, which a server cannot read.
        """
        if not self.client.embedded and not self.warehouse.remote:
            raise ConfigurationError(
                "a warehouse that the ClickHouse server can read",
                f"the local folder {self.warehouse.warehouse}",
                "set OFFLOAD_WAREHOUSE to s3://bucket/prefix",
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run one query that reads files; errors as `ClickHouse.rows_of_files`."""
        return self.client.rows_of_files(query)

    def cold(self, paths: Sequence[str], schema: TableSchema) -> ColdRows:
        """The rows of published files, in the columns and types that the table has now."""
        described: dict[str, str] = {}
        if any(sql.has_uuid(column.mapping) for column in schema.columns):
            described = self._described(paths[0])
        return ColdRows(self, tuple(paths), schema.columns, described)

    def table(self, paths: Sequence[str], structure: str = "auto") -> str:
        """The table function that reads these files, for `FROM`."""
        return table_function(self.warehouse, paths, structure)

    def hash_expression(self, columns: Sequence[Column], paths: Sequence[str], function: str = "cityHash64") -> str:
        """One hash over columns of these files, in their physical types."""
        return sql.hash_expression(self._physical(columns, paths[0]), function)

    def _physical(self, columns: Sequence[Column], path: str) -> list[tuple[str, TypeMapping]]:
        """Columns of a file as they are; only a UUID, for which ClickHouse has a type of its own, becomes bytes."""
        if not any(sql.has_uuid(column.mapping) for column in columns):
            return [(sql.identifier(column.name), column.mapping) for column in columns]
        return [(value(column, self._described(path)), column.mapping) for column in columns]

    def _described(self, path: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self.client.statement(f"DESCRIBE TABLE {self.table([path])}")}


@dataclass(frozen=True)
class ColdRows:
    """
    The rows of published files.

    Files older than a column lack it: it is read as NULL, and becomes what hot has for rows of that age. Numbers that
    were widened since are read in the type of now.

    Attributes:
        files: Reads them.
        paths: The files.
        columns: The columns that the table has now.
        described: The types that ClickHouse finds in the first file, of a table with UUIDs.
    """

    files: StoredFiles
    paths: tuple[str, ...]
    columns: tuple[Column, ...]
    described: Mapping[str, str]

    @property
    def table(self) -> str:
        """The table function that reads them, for `FROM`."""
        kinds = (f"{sql.identifier(column.name)} {self._kind(column)}" for column in self.columns)
        return self.files.table(self.paths, ", ".join(kinds))

    def _kind(self, column: Column) -> str:
        if sql.has_uuid(column.mapping) and column.name in self.described:
            return self.described[column.name]
        return column.mapping.clickhouse if column.mapping.items else f"Nullable({column.mapping.clickhouse})"

    def hash_expression(self, columns: Sequence[Column], function: str = "cityHash64") -> str:
        """One hash over columns, equal to that of the same values in hot."""
        return sql.hash_expression([(self.value(column), column.mapping) for column in columns], function)

    def value(self, column: Column) -> str:
        """A column as hot has it: older files lack it, or have it narrower."""
        found = value(column, self.described)
        if column.mapping.nullable or column.mapping.items:
            return found
        kind = column.mapping.clickhouse
        older = f"CAST({column.default} AS {kind})" if column.default else f"defaultValueOfTypeName({sql.text(kind)})"
        return f"ifNull({found}, {older})"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """
        Run one query that reads these files.

        Raises:
            FilesMissing: A file is gone: ClickHouse leaves it out without an error.
        """
        found = self.files.rows(query)
        self.check_files()
        return found

    def row(self, query: str) -> tuple[Any, ...]:
        """Run one query that reads these files and has exactly one row; errors as `rows`."""
        return only(self.rows(query), "the query of data files")

    def check_files(self) -> None:
        """
        Check that every file is there; after a query, for a file that is there now was there before.

        Raises:
            FilesMissing: A file is gone.
        """
        if missing := self.files.warehouse.missing(self.paths):
            raise FilesMissing(missing)


def value(column: Column, described: Mapping[str, str]) -> str:
    """A column of a file; a UUID, for which ClickHouse may have found a type of its own, as bytes."""
    return sql.cast(column) if "UUID" in described.get(column.name, "") else sql.identifier(column.name)


def table_function(warehouse: Warehouse, uris: Sequence[str], structure: str = "auto") -> str:
    """The ClickHouse table function that reads these Parquet files."""
    paths = [plain(uri) for uri in uris]
    if not warehouse.remote:
        return f"file({sql.text(_braced(paths))}, 'Parquet', {sql.text(structure)})"
    endpoint = warehouse.endpoint_for_clickhouse or warehouse.endpoint
    # ClickHouse takes an address apart like a URL: only letters, digits and a few marks may stand in it as they are.
    encoded = [quote(path, safe="/-_.~=+&*") for path in paths]
    at = sql.text(f"{(endpoint or _amazon(warehouse.region)).rstrip('/')}/{_braced(encoded)}")
    keys = f", {sql.text(warehouse.access_key)}, {sql.text(warehouse.secret_key or '')}" if warehouse.access_key else ""
    return f"s3({at}{keys}, 'Parquet', {sql.text(structure)})"


def tail(path: str) -> str:
    """The part of an address that ClickHouse's column `_path` has too."""
    return path.partition("://")[2].lstrip("/") if "://" in path else path.lstrip("/")


def _amazon(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com"


def _braced(paths: Sequence[str]) -> str:
    """One glob for all paths; their common folder is outside the braces, since a path must begin with its root."""
    if len(paths) == 1:
        return paths[0]
    shared = os.path.commonpath([path.rpartition("/")[0] for path in paths])
    rests = ",".join(path.removeprefix(f"{shared}/") for path in paths)
    return f"{shared}/{{{rests}}}"
