"""Functions that run in spawned processes, as an engine's workers do: what they are given was pickled."""

from __future__ import annotations

import pickle

from offload import wiring
from offload.model.fingerprint import NO_ROWS, SourceFingerprint
from offload.model.windows import Window
from offload.protocol.planning import plan_splits
from offload.settings import Settings
from offload.tables import declarations

END = 4_102_444_800_000_000  # 2100-01-01 UTC in microseconds: after every row


def pickled_split(settings: Settings, table: str) -> tuple[bytes, SourceFingerprint]:
    """The pickled rows and first split of a whole table, and the split's fingerprint as this process reads it."""
    with wiring.open_adapters(settings) as adapters:
        hot = adapters.source.describe(declarations.load(settings.tables)[table])
        rows, window = hot.rows, Window(None, END)
        split = plan_splits(hot, window, "", "attempt")[0]
        fingerprint = sum((rows.fingerprint(chunk) for chunk in split.chunks), NO_ROWS)
        return pickle.dumps((rows.for_batch(window), split)), fingerprint


def read_split(pickled: bytes) -> tuple[int, SourceFingerprint]:
    """Read every chunk of a pickled split; return the rows that arrived, and the source's fingerprint of them."""
    rows, split = pickle.loads(pickled)  # noqa: S301  # made by the function above
    try:
        arrived, fingerprint = 0, NO_ROWS
        for chunk in split.chunks:
            stream = rows.read(chunk)
            arrived += sum(batch.num_rows for batch in stream.batches)
            fingerprint += stream.fingerprint()
        return arrived, fingerprint
    finally:
        rows.client.close()
