"""Rows, and beside each what the source says of it: its hash, its key's hash, whether it can be carried."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from offload.model import HASH_MODULUS

HASH, KEY, WRONG, TICKS = "tidemark_hash", "tidemark_key", "tidemark_wrong", "tidemark_ticks"
_BESIDE = 4  # columns that are not the table's


class Stream:
    """
    The batches of one query, taken off to the end.

    Attributes:
        batches: `pyarrow.RecordBatch` with the table's own columns.
        rows: How many rows arrived.
        digest: Sum of their hashes modulo 2^64, by the source.
        keys: How many different keys they have, by hash.
        wrong: Whether any of them cannot be carried.
        last: The largest timestamp among them, in ticks of the source column; None: no row arrived.
    """

    def __init__(self, arrived: Iterable[pa.RecordBatch]) -> None:
        self.batches: list[pa.RecordBatch] = []
        keys: list[pa.Array] = []
        self.rows, self.digest, self.wrong = 0, 0, False
        self.last: int | None = None
        for batch in arrived:
            own = batch.num_columns - _BESIDE
            self.batches.append(batch.select(list(range(own))))
            self.rows += batch.num_rows
            self.digest = (self.digest + (pc.sum(batch.column(HASH)).as_py() or 0)) % HASH_MODULUS
            self.wrong = self.wrong or bool(pc.max(batch.column(WRONG)).as_py())
            keys.append(batch.column(KEY))
            if batch.num_rows:
                latest = int(pc.max(batch.column(TICKS)).as_py())
                self.last = latest if self.last is None else max(self.last, latest)
        self.keys = int(pc.count_distinct(pa.chunked_array(keys)).as_py()) if keys else 0
