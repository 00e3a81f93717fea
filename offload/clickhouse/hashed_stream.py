"""Rows, and beside each what the source says of it: its hash, its key's hash, whether it can be carried."""

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

HASH, KEY, WRONG, TICKS = "tidemark_hash", "tidemark_key", "tidemark_wrong", "tidemark_ticks"


class HashedStream:
    """
    The batches of one query: iterate to the end, then ask what arrived.

    Yields `pyarrow.RecordBatch` with the table's own columns, in their own types.

    Args:
        arriving: The batches, as they crossed.
        columns: The table's own columns, in order.
        extra_columns: What stands behind them, of the four above and in their order; HASH always does.
        timestamp: The table's timestamp column, in microseconds; TICKS stands beside where that is not exact.
        precision: Digits after the second of the source column.

    Attributes:
        rows: How many rows arrived.
        digest: Sum of their hashes modulo 2^64, by the source.
        wrong: Whether any of them cannot be carried.
        last: The largest timestamp among them, in ticks of the source column; None: no row arrived.
    """

    def __init__(
        self,
        arriving: Generator[pa.RecordBatch],
        columns: Mapping[str, WireColumn],
        extra_columns: Sequence[str],
        timestamp: str,
        precision: int,
    ) -> None:
        self._arriving = arriving
        self._columns = columns
        self._extra_columns = tuple(extra_columns)
        self._timestamp = timestamp
        self._precision = precision
        self._keys: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self.rows, self.digest, self.wrong = 0, 0, False
        self.last: int | None = None

    def __iter__(self) -> Generator[pa.RecordBatch]:
        # Whoever stops half-way lets the query go with it: a handle must not be closed under a query.
        with closing(self._arriving):
            for batch in self._arriving:
                came = iter(batch.columns)
                own = {
                    name: column.decode(*islice(came, len(column.expressions)))
                    for name, column in self._columns.items()
                }
                extra_columns = dict(zip(self._extra_columns, came, strict=True))
                if batch.num_rows:
                    self._take_in(batch.num_rows, extra_columns, own[self._timestamp])
                yield pa.RecordBatch.from_pydict(own)

    def _take_in(self, rows: int, extra_columns: Mapping[str, pa.Array], timestamps: pa.Array) -> None:
        self.rows += rows
        self.digest = (self.digest + pc.sum(extra_columns[HASH]).as_py()) % HASH_MODULUS
        if WRONG in extra_columns:
            self.wrong = self.wrong or bool(pc.max(extra_columns[WRONG]).as_py())
        if KEY in extra_columns:
            self._keys.append(extra_columns[KEY].to_numpy().copy())  # the block is let go, its keys stay
        if TICKS in extra_columns:
            latest = int(pc.max(extra_columns[TICKS]).as_py())
        else:
            latest = windows.ticks(pc.max(timestamps).value, self._precision)
        self.last = latest if self.last is None else max(self.last, latest)

    @property
    def duplicates(self) -> int:
        """
        How many rows arrived beyond one per key, by hash; 0 where KEY does not stand beside them.

        Sorting tells keys apart in a tenth of the time of hashing them.
        """
        if not self._keys:
            return 0
        hashes = np.concatenate(self._keys)
        hashes.sort()
        return int(np.count_nonzero(hashes[1:] == hashes[:-1]))
