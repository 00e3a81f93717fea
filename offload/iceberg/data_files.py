"""Manifest entries, the data files of a scan, and the filter that chooses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, GreaterThanOrEqual, LessThanOrEqual, Reference
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import FileScanTask

from offload.errors import DataError
from offload.model.cold_table import WrittenFile
from offload.ports.source import Bound


def data_file(table: Any, file: WrittenFile, footer: Any) -> DataFile:
    """The manifest entry of a stored file, with the statistics of its footer."""
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
        sort_order_id=metadata.default_sort_order_id,
        spec_id=metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def paths(tasks: Sequence[FileScanTask]) -> list[str]:
    """
    The data files of a scan.

    Raises:
        DataError: Delete files take rows out of some: who reads the data files alone would still find those.
    """
    if deleted := [task.file.file_path for task in tasks if task.delete_files]:
        raise DataError(
            "data files whose rows all count",
            f"{len(deleted)} with delete files beside them, such as {deleted[0]}",
            "rewrite the table's data files, as Spark's rewrite_data_files does, then the same again",
        )
    return [task.file.file_path for task in tasks]


def within_bounds(bounds: Sequence[Bound]) -> BooleanExpression:
    """The filter that keeps rows within all the bounds."""
    wanted: BooleanExpression = AlwaysTrue()
    for name, low, high in bounds:
        if low is not None:
            wanted = And(wanted, GreaterThanOrEqual(Reference(name), low))  # type: ignore[call-arg]  # positional, as documented
        if high is not None:
            wanted = And(wanted, LessThanOrEqual(Reference(name), high))  # type: ignore[call-arg]  # likewise
    return wanted
