"""Rows, and beside each what the source says of it: its hash, its key's hash, whether it can be carried."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from offload.model import HASH_MODULUS

HASH, KEY, WRONG, TICKS = "tidemark_hash", "tidemark_key", "tidemark_wrong", "tidemark_ticks"
_BESIDE = 4  # columns that are not the table's


class Stream:
    """
    The batches of one query: iterate to the end, then ask what arrived.

    Yields `pyarrow.RecordBatch` with the table's own columns.

    Attributes:
        rows: How many rows arrived.
        digest: Sum of their hashes modulo 2^64, by the source.
        wrong: Whether any of them cannot be carried.
        last: The largest timestamp among them, in ticks of the source column; None: no row arrived.
    """

    def __init__(self, arriving: Generator[pa.RecordBatch]) -> None:
        self._arriving = arriving
        self._keys: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self.rows, self.digest, self.wrong = 0, 0, False
        self.last: int | None = None

    def __iter__(self) -> Generator[pa.RecordBatch]:
        # Whoever stops half-way lets the query go with it: a handle must not be closed under a query.
        with closing(self._arriving):
            for batch in self._arriving:
                self._take_in(batch)
                yield batch.select(list(range(batch.num_columns - _BESIDE)))

    def _take_in(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.digest = (self.digest + (pc.sum(batch.column(HASH)).as_py() or 0)) % HASH_MODULUS
        self.wrong = self.wrong or bool(pc.max(batch.column(WRONG)).as_py())
        self._keys.append(batch.column(KEY).to_numpy().copy())  # the block is let go, its keys stay
        if batch.num_rows:
            latest = int(pc.max(batch.column(TICKS)).as_py())
            self.last = latest if self.last is None else max(self.last, latest)

    @property
    def keys(self) -> int:
        """How many different keys arrived, by hash. Sorting tells them apart in a tenth of the time of hashing them."""
        if not self.rows:
            return 0
        hashes = np.concatenate(self._keys)
        hashes.sort()
        return 1 + int(np.count_nonzero(hashes[1:] != hashes[:-1]))
