"""
chDB's own stream of blocks; clickhouse-connect returns a whole result at once.

chDB writes each block as an Arrow stream of its own (`send_query(..., "ArrowStream")`), and its rows stay in the
engine's memory and are not copied.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from typing import Any

import pyarrow as pa

_CODE = re.compile(r"Code: (\d+)")


class EmbeddedFailure(Exception):
    """An error of the engine during a stream; `code` is ClickHouse's, None: the error has no code."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = _CODE.search(message)
        self.code = int(found[1]) if found else None


class BlockReader:
    """
    One handle on a chDB folder; serves one thread, and one query at a time.

    Args:
        folder: Path of the folder; other handles of this process may have it open.
        database: The database of unqualified names.
        settings: Settings of every query.
    """

    def __init__(self, folder: str, database: str, settings: Mapping[str, Any]) -> None:
        import chdb

        self._failure: type[Exception] = chdb.ChdbError
        self._handle: Any = chdb.connect(os.path.realpath(folder))  # chDB compares paths as text
        for name, value in settings.items():
            self._handle.query(f"SET {name} = {value!r}")
        quoted = database.replace("\\", "\\\\").replace("`", "\\`")
        self._handle.query(f"USE `{quoted}`")

    def batches(self, query: str) -> Generator[pa.RecordBatch]:
        """
        Stream the answer, a batch or so per block of the engine.

        Raises:
            EmbeddedFailure: The query failed, at once or during the stream.
        """
        try:
            stream = self._handle.send_query(query, "ArrowStream")
        except self._failure as error:
            raise EmbeddedFailure(str(error)) from error
        try:
            while (block := self._next(stream)) is not None:
                yield from pa.ipc.open_stream(_viewed(block))
        finally:
            stream.close()

    def _next(self, stream: Any) -> Any:
        try:
            return stream.fetch()
        except self._failure as error:
            raise EmbeddedFailure(str(error)) from error

    def close(self) -> None:
        """Close the folder."""
        self._handle.close()


def _viewed(block: Any) -> pa.Buffer:
    """The block's bytes without a copy. The buffer has a reference to the block, which keeps the bytes in memory."""
    wrapper = block.get_memview()
    seen = pa.py_buffer(wrapper.view())
    return pa.foreign_buffer(seen.address, seen.size, base=(block, wrapper, seen))
