"""
The door to PyIceberg: loading, creating, checking and committing the cold table.

The commit is our own call of `Catalog.commit_table` (REST catalog specification, `UpdateTable`): PyIceberg 0.12's
`Transaction.commit_transaction` rebases a failed commit onto the new head, which lets a stale writer in, and deletes
the manifests of commits whose outcome it misjudged. Ours never rebases and deletes nothing. It reads private members
of the transaction; tests/unit/offload/iceberg/test_pyiceberg_contract.py pins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import Table
from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID
from sqlalchemy.exc import IntegrityError

from offload.errors import Fenced, OffloadError, OutcomeUnknown, Unavailable
from offload.iceberg import data_files, history, parquet
from offload.iceberg.catalog import ObservedCatalog
from offload.iceberg.commit import _ATTEMPTS, _landed, _who_came
from offload.iceberg.schema import arrow_schema, check_schema, partition_spec, sort_order, table_schema
from offload.io.database import translate_errors, with_connect_timeout
from offload.io.deadline import within
from offload.io.warehouse import Warehouse
from offload.model.cold_table import TableState, WrittenFile
from offload.model.columns import TableSchema
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.ports.source import Bound

T = TypeVar("T")


class IcebergLake:
    """
    Cold tables of one catalog and warehouse.

    Args:
        name: Catalog name, part of each row of the SQL catalog.
        uri: SQLAlchemy address of the catalog's database.
        storage: The warehouse.
        timeout: Seconds that one call may take.
    """

    def __init__(self, name: str, uri: str, warehouse: Warehouse, timeout: float) -> None:
        self._name = name
        self._uri = with_connect_timeout(uri, timeout)
        self._warehouse = warehouse
        self._timeout = timeout
        self._opened: ObservedCatalog | None = None

    def close(self) -> None:
        """Close the connections to the catalog's database."""
        if self._opened:
            self._opened.close()

    def load(self, spec: TableSpec) -> TableState | None:
        """
        The table as it stands, or None where the catalog has none.

        Raises:
            ConfigurationError: The warehouse is missing.
            DataError: The token cannot be read.
        """
        self._warehouse.check()
        try:
            table = self._call(lambda: self._catalog().load_table(spec.target))
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        return self._state(table)

    def create(self, schema: TableSchema) -> TableState:
        """Create the table; one that another run has just created is loaded instead."""
        spec = schema.spec
        columns = table_schema(schema)
        partition, order = partition_spec(columns, spec), sort_order(columns, spec)

        def create() -> Table:
            catalog = self._catalog()
            # Another first run may do each of these at the same moment.
            for call in (
                lambda: catalog.create_namespace(spec.target.rpartition(".")[0]),
                lambda: catalog.create_table(spec.target, columns, partition_spec=partition, sort_order=order),
            ):
                try:
                    call()
                except (NamespaceAlreadyExistsError, TableAlreadyExistsError, IntegrityError):
                    continue
            return catalog.load_table(spec.target)

        return self._state(self._call(create))

    def check_history(self, spec: TableSpec, state: TableState) -> None:
        """
        Check that the history since the last token explains the table.

        Raises:
            DataError: Filled by another job, rolled back, appended to, deleted from or recreated by hand.
        """
        history.check(spec, state)

    def check_columns(self, schema: TableSchema, state: TableState) -> None:
        """
        Hold the hot table's columns against the cold table's.

        Raises:
            DataError: A column is missing on one side, or of another type.
        """
        check_schema(schema, state.handle.schema())

    def files(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:
        """Live files that may hold rows within all the bounds; DataError where rows of one do not count."""
        wanted = data_files.within_bounds(bounds)
        return data_files.paths(self._call(lambda: list(state.handle.scan(row_filter=wanted).plan_files())))

    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        """
        Hold names, field ids and types of each stored file against the table's schema.

        Raises:
            DataError: They do not agree.
        """
        for file in files:
            self._footer(state, file)

    def _footer(self, state: TableState, file: WrittenFile) -> Any:
        return self._call(lambda: parquet.footer(self._warehouse, file.path, state.schema))

    def publish(
        self,
        spec: TableSpec,
        state: TableState,
        files: Sequence[WrittenFile],
        token: CommitToken,
        told: Callable[[], None],
    ) -> TableState:
        """
        One commit: files, token and properties, or nothing.

        `told` is called when the metadata file is uploaded and the catalog has not yet been told.

        Raises:
            Fenced: The table no longer has the UUID or the last token of `state`.
            OutcomeUnknown: Sent, and it cannot be seen whether it landed.
        """
        entries = [data_files.data_file(state.handle, file, self._footer(state, file)) for file in files]
        for _ in range(_ATTEMPTS):
            request = self._request(state, entries, token)
            try:
                self._commit(state, request, told)
            except Exception as error:  # after every error, conflicts included: look before acting
                now = self._look(spec, state, token, error)
                if now.token == token:
                    return now
                if not isinstance(error, CommitFailedException):
                    raise
                # Our own fence stands in the way of nobody's rows: a compaction came between. Or a hand: refused.
                history.check(spec, now)
                state = now
            else:
                return self._after(spec, token)
        raise Fenced(f"{spec.target} to hold still", f"{_ATTEMPTS} other commits", spec.command("run"))

    def _request(self, state: TableState, entries: Sequence[Any], token: CommitToken) -> tuple[Any, Any]:
        transaction = state.handle.transaction()
        append = transaction.update_snapshot(snapshot_properties={history.TOKEN: token.dumps()}).fast_append()
        for entry in entries:
            append.append_data_file(entry)
        with self._warehouse.translate_errors():
            within(self._timeout * 2, self._warehouse.where, append.commit)
        records = state.records + sum(entry.record_count for entry in entries)
        transaction.set_properties(history.properties(token, append.snapshot_id, records))
        requirements = (
            AssertTableUUID(uuid=state.handle.metadata.table_uuid),
            AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": state.snapshot_id}),
        )
        return requirements, transaction._updates  # noqa: SLF001  # the contract test pins it

    def _commit(self, state: TableState, request: tuple[Any, Any], told: Callable[[], None]) -> None:
        requirements, updates = request
        catalog = self._catalog()
        catalog.told = told
        try:
            self._call(lambda: catalog.commit_table(state.handle, requirements, updates))
        finally:
            catalog.told = None

    def _look(self, spec: TableSpec, state: TableState, token: CommitToken, error: Exception) -> TableState:
        """
        The table after a failed commit.

        Raises:
            Fenced: Someone else has published, or the table is another one.
            OutcomeUnknown: It cannot be looked at.
        """
        try:
            now = self.load(spec)
        except OffloadError as blind:
            raise OutcomeUnknown(
                f"to see whether the commit of {token.rows} rows to {spec.target} landed",
                f"{error}; then {blind.found}",
                f"{spec.command('run')}: it looks before it writes",
            ) from error
        if now is not None and (landed := _landed(now, token)):
            return landed
        if now is None or now.uuid != state.uuid or now.token != state.token:
            raise Fenced(
                f"{spec.target} as this run found it",
                _who_came(state, now),
                spec.command("run"),
            ) from error
        return now

    def _after(self, spec: TableSpec, token: CommitToken) -> TableState:
        try:
            now = self.load(spec)
        except Unavailable as error:
            raise OutcomeUnknown(
                f"{spec.target} to be readable after a commit", error.found, "the same again"
            ) from error
        landed = _landed(now, token) if now else None
        if landed is None:
            raise Fenced(f"{spec.target} to bear the token just committed", f"{now and now.token}", "offload status")
        return landed

    def _state(self, table: Table) -> TableState:
        def state() -> TableState:
            return TableState(
                uuid=str(table.metadata.table_uuid),
                snapshot_id=table.metadata.current_snapshot_id,
                records=history.records(table),
                token=history.token(table),
                location=table.location(),
                schema=arrow_schema(table.schema()),
                handle=table,
            )

        return self._call(state)

    def _catalog(self) -> ObservedCatalog:
        if self._opened is None:
            properties = {"uri": self._uri, "warehouse": self._warehouse.uri, **self._warehouse.properties()}
            self._opened = ObservedCatalog(self._name, **properties)
        return self._opened

    def _call(self, call: Callable[[], T]) -> T:
        with self._translate_errors():
            return within(self._timeout, f"the catalog or {self._warehouse.where}", call)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        with translate_errors("OFFLOAD_CATALOG_URI", self._uri), self._warehouse.translate_errors():
            yield
