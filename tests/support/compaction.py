"""A compaction as Spark's `rewrite_data_files` commits it: operation `replace`, the same rows in other files."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles


class ReplaceFiles(_OverwriteFiles):
    """PyIceberg has no operation `replace`: an overwrite that says so in its summary."""

    def _summary(self, snapshot_properties: Any = None) -> Summary:
        made = super()._summary(snapshot_properties or {})
        return Summary(Operation.REPLACE, **made.additional_properties)


def replace_files(table: Any) -> None:
    """Rewrite every data file of the table into one per partition, in one commit; the old files stay where they are."""
    old = [task.file for task in table.scan().plan_files()]
    rows = table.scan().to_arrow()
    with table.transaction() as transaction:
        update = ReplaceFiles(operation=Operation.OVERWRITE, transaction=transaction, io=table.io, commit_uuid=uuid4())
        for file in old:
            update.delete_data_file(file)
        for file in _dataframe_to_data_files(table_metadata=table.metadata, df=rows, io=table.io):
            update.append_data_file(file)
        update.commit()
