"""Writes rows of published data files into new ones, for a commit that replaces some of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from offload.errors import DataError
from offload.iceberg.parquet import ParquetFile
from offload.io.warehouse import Warehouse
from offload.model.cold_table import TableState, WrittenFile
from offload.model.fingerprint import NO_ROWS
from offload.model.splits import Split
from offload.ports.lake import Rewriter

_AT = "tidemark_at"


class IcebergRewriter(Rewriter):
    """
    Rewrites the files of one warehouse, a row group at a time.

    Args:
        warehouse: The folder or bucket of the files.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    @override
    def without(
        self, state: TableState, path: str, replaced_by: Sequence[str], key: Sequence[str], split: Split
    ) -> WrittenFile:
        keys = pa.schema([state.schema.field(name).remove_metadata() for name in key])
        with self._warehouse.translate_errors():
            groups = [group for other in replaced_by for group in self._groups(other, keys)]
            replaced = pa.concat_tables(groups).combine_chunks()
            file = ParquetFile(self._warehouse, split.path, state.schema)
            try:
                for group in self._groups(path, state.schema):
                    for batch in _without(group, replaced).to_batches():
                        file.write(batch)
                    file.flush()
                size = file.close()
            except BaseException:
                file.abandon()
                raise
        return WrittenFile(split, split.path, file.rows, size, NO_ROWS, rewrites=path)

    def _groups(self, path: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """The row groups of a file in these columns and types; a column that the file lacks is NULL."""
        with self._warehouse.open(path) as source:
            file = pq.ParquetFile(source)
            names = [name for name in schema.names if name in file.schema_arrow.names]
            for number in range(file.num_row_groups):
                group = file.read_row_group(number, columns=names)
                try:
                    columns = [_column(group, field) for field in schema]
                except pa.ArrowInvalid as error:
                    raise DataError(
                        f"values of {path} that the table's types can have",
                        str(error),
                        "check that nothing but Tidemark writes this file, then run the command again",
                    ) from error
                yield pa.Table.from_arrays(columns, schema=schema)


def _column(group: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name not in group.schema.names:
        return pa.nulls(len(group), field.type)
    return group.column(field.name).cast(field.type)


def _without(group: pa.Table, replaced: pa.Table) -> pa.Table:
    """The rows whose keys are not among the replaced ones, in their order."""
    numbered = group.select(replaced.schema.names).append_column(_AT, pa.array(range(len(group)), pa.int64()))
    kept = numbered.join(replaced, keys=replaced.schema.names, join_type="left anti").column(_AT)
    return group.take(kept.sort()) if len(kept) < len(group) else group
