"""The data files of a cold table: which of them are live, their footers, and their manifest entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, GreaterThanOrEqual, LessThanOrEqual, Reference
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import FileScanTask, TableProperties
from pyiceberg.utils.properties import property_as_bool
from typing_extensions import override

from offload.errors import DataError
from offload.iceberg import parquet
from offload.iceberg.catalog import CatalogConnection
from offload.io.warehouse import Warehouse
from offload.model.cold_table import Mark, TableState, WrittenFile
from offload.ports.lake import ColdFiles
from offload.ports.source import Bound

_REMOVE = TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED
_REMOVE_BY_DEFAULT = TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED_DEFAULT


class IcebergFiles(ColdFiles):
    """
    The data files of the tables of one catalog.

    Args:
        connection: The catalog.
        warehouse: The folder or bucket of the files.
    """

    def __init__(self, connection: CatalogConnection, warehouse: Warehouse) -> None:
        self._connection = connection
        self._warehouse = warehouse

    @override
    def live(self, state: TableState, bounds: Sequence[Bound]) -> list[str]:
        within = within_bounds(bounds)
        return paths(self._connection.work(lambda: list(state.handle.scan(row_filter=within).plan_files())))

    @override
    def mark(self, state: TableState) -> None:
        if state.token is None or state.token.watermark_ticks is None:
            return
        document = {"table": state.uuid, "watermark": state.token.watermark_ticks, "records": state.records}
        self._connection.call(lambda: self._warehouse.write_text(_mark_of(state), json.dumps(document)))

    @override
    def remove_old_metadata(self, before: TableState, after: TableState) -> None:
        metadata = after.handle.metadata
        if property_as_bool(metadata.properties, _REMOVE, _REMOVE_BY_DEFAULT) is not True:
            return
        listed = {entry.metadata_file for entry in metadata.metadata_log}
        old = [
            entry.metadata_file for entry in before.handle.metadata.metadata_log if entry.metadata_file not in listed
        ]

        def remove() -> None:
            for file in old:
                with suppress(FileNotFoundError):  # another job has removed it
                    after.handle.io.delete(file)

        self._connection.work(remove)

    @override
    def marked(self, state: TableState) -> Mark | None:
        text = self._connection.call(lambda: self._warehouse.read_text(_mark_of(state)))
        try:
            found = json.loads(text or "{}")
            return Mark(int(found["watermark"]), int(found["records"])) if found["table"] == state.uuid else None
        except (ValueError, KeyError, TypeError):  # cut short by a crash: no evidence
            return None

    @override
    def check_footers(self, state: TableState, files: Sequence[WrittenFile]) -> None:
        for file in files:
            self.footer(state, file)

    def footer(self, state: TableState, file: WrittenFile) -> Any:
        """
        The Parquet footer of a stored file, checked against the table's schema.

        Raises:
            DataError: Names, field ids or types differ.
        """
        return self._connection.call(lambda: parquet.footer(self._warehouse, file.path, state.schema))

    def entries(self, state: TableState, removed: Sequence[str]) -> list[DataFile]:
        """The manifest entries of published files of this state."""
        if not removed:
            return []
        tasks = self._connection.work(lambda: list(state.handle.scan().plan_files()))
        found = {task.file.file_path: task.file for task in tasks}
        return [found[path] for path in removed]


def _mark_of(state: TableState) -> str:
    return f"{state.location}/metadata/tidemark-published.json"


def data_file(table: Any, file: WrittenFile, footer: Any, sort_order_id: int | None) -> DataFile:
    """The manifest entry of a stored file, with the statistics of its footer; None: its order is not known."""
    schema, metadata = table.schema(), table.metadata
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=footer,
        stats_columns=compute_statistics_plan(schema, metadata.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=file.path,
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(metadata.spec(), schema),
        file_size_in_bytes=file.bytes,
        sort_order_id=sort_order_id,
        spec_id=metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def paths(tasks: Sequence[FileScanTask]) -> list[str]:
    """
    The data files of a scan.

    Raises:
        DataError: Delete files remove rows of some of them; a reader of the data files alone would still see those.
    """
    if deleted := [task.file.file_path for task in tasks if task.delete_files]:
        raise DataError(
            "data files without delete files",
            f"{len(deleted)} data files with delete files, such as {deleted[0]}",
            "rewrite the table's data files (Spark: CALL system.rewrite_data_files), then run the command again",
        )
    return [task.file.file_path for task in tasks]


def within_bounds(bounds: Sequence[Bound]) -> BooleanExpression:
    """The filter that keeps rows within all the bounds."""
    within: BooleanExpression = AlwaysTrue()
    for name, low, high in bounds:
        if low is not None:
            within = And(within, GreaterThanOrEqual(Reference(name), low))  # type: ignore[call-arg]  # positional, as documented
        if high is not None:
            within = And(within, LessThanOrEqual(Reference(name), high))  # type: ignore[call-arg]  # as above
    return within
