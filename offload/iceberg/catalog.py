"""The SQL catalog: its connections, and the time-out and the translation of errors of every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, Self, TypeVar

from pyiceberg.catalog.sql import SqlCatalog, SqlCatalogBaseTable
from pyiceberg.exceptions import ValidationError
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table
from typing_extensions import override

from offload.errors import DataError
from offload.iceberg.staging import shared
from offload.io.database import create_tables, end_silent_transactions, translate_errors, with_connect_timeout
from offload.io.deadline import within, within_silence
from offload.io.warehouse import Warehouse

T = TypeVar("T")
IO = "offload.iceberg.catalog.CountingFileIO"
TABLES = SqlCatalogBaseTable.metadata  # those of the catalog itself in its database


class ObservedCatalog(SqlCatalog):
    """A SQL catalog whose commits can call back between the upload of the metadata file and the catalog's own write."""

    _on_uploaded: Callable[[], None] | None = None

    def __init__(self, name: str, **properties: str) -> None:
        try:
            super().__init__(name, **properties)
        except Exception:
            self.close()  # without this, its connections stay open
            raise

    def observed(self, on_uploaded: Callable[[], None]) -> Self:
        """A catalog on the same connections whose commits call `on_uploaded`; this catalog does not change."""
        committer = copy(self)
        committer._on_uploaded = on_uploaded  # noqa: SLF001  # of its own class
        return committer

    @override
    def load_table(self, identifier: Any) -> Table:
        table = super().load_table(identifier)
        table.metadata = shared(table.metadata)
        return table

    @override
    def create_tables(self) -> None:
        create_tables(TABLES, self.engine)

    @override
    def _write_metadata(self, metadata: Any, io: Any, metadata_path: str) -> None:  # type: ignore[override]
        super()._write_metadata(metadata, io, metadata_path)
        if self._on_uploaded:
            self._on_uploaded()


class CountingFileIO(PyArrowFileIO):
    """PyIceberg's file system, which counts the files that it opens: the sign that long work goes on."""

    opened = 0

    @override
    def new_input(self, location: str) -> Any:
        CountingFileIO.opened += 1
        return super().new_input(location)


class CatalogConnection:
    """
    The connection to one catalog, opened at the first call.

    Args:
        name: Catalog name, part of each row of the SQL catalog.
        uri: SQLAlchemy address of the catalog's database.
        warehouse: Root folder or bucket of the catalog's tables.
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

    def catalog(self) -> ObservedCatalog:
        """The catalog; use it inside `call` only, which has the time-out and translates errors."""
        if self._opened is None:
            properties = {
                "uri": self._uri,
                "warehouse": self._warehouse.uri,
                **self._warehouse.properties(),
                "py-io-impl": IO,
            }
            self._opened = ObservedCatalog(self._name, **properties)
            end_silent_transactions(self._opened.engine, self._timeout)
        return self._opened

    def call(self, call: Callable[[], T], factor: int = 1) -> T:
        """
        Run a call to the catalog or the warehouse, within `factor` times the time-out.

        Raises:
            Unavailable: The catalog or the warehouse did not answer in time, or refused the connection.
            AccessRefused: One of them refuses the user, the key or the permission.
            ConfigurationError: There is no such database or bucket.
        """
        with self._translated():
            return within(self._timeout * factor, f"the catalog or {self._warehouse.where}", call)

    def work(self, call: Callable[[], T]) -> T:
        """
        Run work that opens many files, such as the manifests of months; bounded by silence, not by its length.

        Raises:
            As `call`.
        """
        with self._translated():
            where = f"the catalog or {self._warehouse.where}"
            return within_silence(self._timeout, where, call, lambda: CountingFileIO.opened)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translate_errors("OFFLOAD_CATALOG_URI", self._uri), self._warehouse.translate_errors():
            try:
                yield
            except (EOFError, ValidationError) as error:
                if isinstance(error, ValidationError) and error.__cause__ is None:
                    raise  # not of a file that was read
                raise DataError(
                    f"metadata and manifests of the cold tables in {self._warehouse.where} that can be read",
                    str(error).replace("\n", " ")[:300],
                    "restore the damaged files from a backup, then run the command again",
                ) from error
