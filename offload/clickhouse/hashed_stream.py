"""A stream of rows, each with its hash by the source, the hash of its key, and whether its values are valid."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from offload.clickhouse.wire_format import WireColumn
from offload.model import windows
from offload.model.fingerprint import HASH_MODULUS

HASH, KEY, INVALID, TICKS = "tidemark_hash", "tidemark_key", "tidemark_invalid", "tidemark_ticks"


class HashedStream:
    """
    The batches of one query: iterate to the end, then read the attributes.

    Yields `pyarrow.RecordBatch` with the table's own columns, in their own types.

    Args:
        batches: The batches in wire format.
        columns: The table's own columns, in order.
        extra_columns: Columns after them, of the four above and in that order; HASH is always one of them.
        timestamp: The table's timestamp column, in microseconds; TICKS is there where microseconds are not exact.
        precision: Digits after the second of the source column.

    Attributes:
        rows: Rows read.
        digest: Sum of their hashes modulo 2^64, by the source.
        invalid: Whether any row has a value that does not fit its Iceberg type.
        last: The largest timestamp, in ticks of the source column; None: no row was read.
    """

    def __init__(
        self,
        batches: Generator[pa.RecordBatch],
        columns: Mapping[str, WireColumn],
        extra_columns: Sequence[str],
        timestamp: str,
        precision: int,
    ) -> None:
        self._batches = batches
        self._columns = columns
        self._extra_columns = tuple(extra_columns)
        self._timestamp = timestamp
        self._precision = precision
        self._keys: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self.rows, self.digest, self.invalid = 0, 0, False
        self.last: int | None = None

    def __iter__(self) -> Generator[pa.RecordBatch]:
        # A caller that stops early ends the query too: a handle must not be closed while its query runs.
        with closing(self._batches):
            for batch in self._batches:
                arrays = iter(batch.columns)
                own = {
                    name: column.decode(*islice(arrays, len(column.expressions)))
                    for name, column in self._columns.items()
                }
                extra_columns = dict(zip(self._extra_columns, arrays, strict=True))
                if batch.num_rows:
                    self._count(batch.num_rows, extra_columns, own[self._timestamp])
                yield pa.RecordBatch.from_pydict(own)

    def _count(self, rows: int, extra_columns: Mapping[str, pa.Array], timestamps: pa.Array) -> None:
        self.rows += rows
        self.digest = (self.digest + pc.sum(extra_columns[HASH]).as_py()) % HASH_MODULUS
        if INVALID in extra_columns:
            self.invalid = self.invalid or bool(pc.max(extra_columns[INVALID]).as_py())
        if KEY in extra_columns:
            self._keys.append(extra_columns[KEY].to_numpy().copy())  # a copy: the block itself can be freed
        if TICKS in extra_columns:
            latest = int(pc.max(extra_columns[TICKS]).as_py())
        else:
            latest = windows.ticks(pc.max(timestamps).value, self._precision)
        self.last = latest if self.last is None else max(self.last, latest)

    @property
    def duplicates(self) -> int:
        """
        Rows beyond one per key, by hash; 0 where KEY is not among the extra columns.

        Sorting the hashes finds them in a tenth of the time of a hash table.
        """
        if not self._keys:
            return 0
        hashes = np.concatenate(self._keys)
        hashes.sort()
        return int(np.count_nonzero(hashes[1:] == hashes[:-1]))
