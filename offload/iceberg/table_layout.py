"""
The parts of a cold table, besides its columns, on which new files depend: partition, order, metrics.

They are compared before any work, so that another engine's change is a message and not a crash after all files are
written. Source of the property names: Iceberg's table properties, "write.metadata.metrics".
"""

from __future__ import annotations

from typing import Any

from offload.errors import DataError
from offload.model.table import PartitionField, TableSpec

METRICS = "write.metadata.metrics"


def check(spec: TableSpec, metadata: Any) -> None:
    """
    Check that files of this declaration fit the table as it is now.

    Raises:
        DataError: The table has another partition, or keeps no bounds of a column that readers and runs prune by.
    """
    found = partition_of(metadata)
    if found not in {spec.partition, ()}:  # files of any declaration fit a table without a partition
        raise DataError(
            f"{spec.target} to be partitioned by {_spelled(spec.partition)}, as declared",
            f"a partition by {_spelled(found)}",
            f"declare partition = [{_declared(found)}] (docs/tables.md), or change the table's partition back, then "
            f"{spec.command('run')}",
        )
    for column in dict.fromkeys([spec.timestamp, *(field.column for field in spec.partition)]):
        mode = metadata.properties.get(f"{METRICS}.column.{column}", metadata.properties.get(f"{METRICS}.default", ""))
        if mode in {"none", "counts"}:
            raise DataError(
                f"{spec.target} to keep the bounds of {column}, by which files are skipped",
                f"the metrics mode {mode}",
                f"ALTER TABLE {spec.target} SET TBLPROPERTIES ('{METRICS}.column.{column}' = 'full') in Spark, then "
                f"{spec.command('run')}",
            )


def partition_of(metadata: Any) -> tuple[PartitionField, ...]:
    """The fields of the table's current partition; a removed field of a table in format version 1 is void."""
    schema = metadata.schema()
    return tuple(
        PartitionField(schema.find_column_name(field.source_id) or "?", str(field.transform))
        for field in metadata.spec().fields
        if str(field.transform) != "void"
    )


def order_id(spec: TableSpec, metadata: Any) -> int:
    """The id of the table's sort order that files of this declaration have; 0, "unsorted", where it has none."""
    schema = metadata.schema()
    for order in metadata.sort_orders:
        names = tuple(schema.find_column_name(field.source_id) for field in order.fields)
        plain = all(str(field.transform) == "identity" and str(field.direction) == "ASC" for field in order.fields)
        if names == spec.sort and plain:
            return int(order.order_id)
    return 0


def _spelled(fields: tuple[PartitionField, ...]) -> str:
    return ", ".join(f"{field.transform}({field.column})" for field in fields) or "nothing"


def _declared(fields: tuple[PartitionField, ...]) -> str:
    return ", ".join(f'{{column = "{field.column}", transform = "{field.transform}"}}' for field in fields)
