"""Cold tables: load, create, check and publish them through PyIceberg."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import Table
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from offload.errors import ConfigurationError
from offload.iceberg import history, table_layout
from offload.iceberg.catalog import CatalogConnection
from offload.iceberg.data_files import IcebergFiles, data_file
from offload.iceberg.fence import FencedCommit
from offload.iceberg.schema import arrow_schema, check_required, partition_spec, sort_order, table_schema
from offload.iceberg.schema_changes import check_schema
from offload.io.warehouse import Warehouse
from offload.model.cold_table import Publication, TableState
from offload.model.columns import TableSchema
from offload.model.table import TableSpec
from offload.ports.lake import Lake, NotSent


class IcebergLake(Lake):
    """
    Cold tables of one catalog and warehouse.

    Args:
        connection: The catalog.
        warehouse: The warehouse.
        files: The tables' data files.
    """

    def __init__(self, connection: CatalogConnection, warehouse: Warehouse, files: IcebergFiles) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._files = files

    @override
    def load(self, spec: TableSpec) -> TableState | None:
        self._warehouse.check()
        try:
            table = self._connection.call(lambda: self._connection.catalog().load_table(spec.target))
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        return self._state(table)

    @override
    def create(self, schema: TableSchema, *, first: bool) -> TableState:
        location = self._location(schema.spec, first=first)
        spec, columns = schema.spec, table_schema(schema)
        partition, order = partition_spec(columns, spec), sort_order(columns, spec)

        def create() -> Table:
            catalog = self._connection.catalog()
            # Another first run may do each of these at the same time.
            for call in (
                lambda: catalog.create_namespace(spec.target.rpartition(".")[0]),
                lambda: catalog.create_table(spec.target, columns, location, partition, order),
            ):
                try:
                    call()
                except (NamespaceAlreadyExistsError, TableAlreadyExistsError, IntegrityError):
                    continue
            return catalog.load_table(spec.target)

        return self._state(self._connection.call(create))

    def _location(self, spec: TableSpec, *, first: bool) -> str:
        location = f"{self._warehouse.uri}/{spec.target.replace('.', '/')}"
        if not self._connection.call(lambda: self._warehouse.has_files(f"{location}/metadata")):
            return location
        if first:
            raise ConfigurationError(
                f"no table in the folder {location}, since the catalog has no table {spec.target}",
                "metadata of a table: it belongs to another catalog, or this connection has another search_path",
                "correct OFFLOAD_CATALOG_URI and OFFLOAD_WATERMARKS_URL; or, to start again from the first row: "
                f"{spec.command('watermark repair')}, then {spec.command('run')}",
            )
        return f"{location}-{uuid4().hex[:8]}"

    @override
    def check_history(self, spec: TableSpec, state: TableState) -> None:
        history.check(spec, state)

    @override
    def check_columns(self, schema: TableSchema, state: TableState, *, to_write: bool = True) -> tuple[str, ...]:
        metadata = state.handle.metadata
        changes = check_schema(schema, metadata)
        if to_write:
            table_layout.check(schema.spec, metadata)
        used = {snapshot.schema_id for snapshot in metadata.snapshots}
        check_required(schema, metadata.schema(), [one for one in metadata.schemas if one.schema_id in used])
        return changes

    @override
    def commit(
        self,
        spec: TableSpec,
        state: TableState,
        publication: Publication,
        on_uploaded: Callable[[], None],
    ) -> None:
        # Another engine may have changed the table since RECOVER: the entries are of the table as it is now.
        commit = FencedCommit(self._connection, publication, on_uploaded)
        try:
            table_layout.check(spec, state.handle.metadata)
            order = table_layout.order_id(spec, state.handle.metadata)
            files = [(file, self._files.footer(state, file)) for file in publication.files]
            removed = self._files.entries(state, publication.removed)
            orders = {entry.file_path: entry.sort_order_id for entry in removed}
            added = [
                data_file(state.handle, file, footer, orders[file.rewrites] if file.rewrites else order)
                for file, footer in files
            ]
            request = commit.request(state, added, removed)
        except Exception as error:
            raise NotSent(error) from error
        commit.send(state, request)

    def _state(self, table: Table) -> TableState:
        def state() -> TableState:
            return TableState(
                uuid=str(table.metadata.table_uuid),
                snapshot_id=table.metadata.current_snapshot_id,
                records=history.records(table),
                token=history.token(table),
                location=table.location(),
                coverage=history.coverage(table),
                commits=history.commits(table),
                schema=arrow_schema(table.schema()),
                handle=table,
            )

        return self._connection.call(state)
