"""`watermark show` and `watermark repair`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offload.model.table import TableSpec
from offload.ports.watermarks import RunOutcome, TableWatermark
from offload.protocol.adapters import Adapters
from offload.protocol.session import claimed
from offload.protocol.trace import RunTrace
from offload.results import plain, watermark_document

CHANGES_SHOWN = 10


def show_watermark(adapters: Adapters, spec: TableSpec) -> dict[str, Any]:
    """The store's row, the Iceberg table's token, and whether they agree."""
    stored = adapters.watermarks.read(spec.source)
    state = adapters.lake.load(spec)
    token = state.token if state else None
    in_store = stored.watermark.ticks if stored else None
    return {
        "table": spec.name,
        "store": plain(stored.columns) if stored else None,
        "cold": token
        and {
            "watermark": token.watermark and watermark_document(token.watermark, token.precision),
            "epoch": token.epoch,
            "run_id": token.run_id,
            "rows": state.records if state else 0,
        },
        "agree": in_store == (token.watermark_ticks if token else None),
        "changes": [_change(row) for row in adapters.changes.last(spec.source, CHANGES_SHOWN)],
    }


def _change(row: Mapping[str, Any]) -> dict[str, Any]:
    return plain({name: value for name, value in row.items() if name != "table_name"})


def repair_watermark(adapters: Adapters, spec: TableSpec, run_id: str) -> dict[str, Any]:
    """
    Write the Iceberg table's watermark into the store, whatever the store has; no table means no watermark.

    Raises:
        LeaseHeld: A living run has the table.
    """
    with claimed(adapters, RunTrace(spec), run_id) as session:
        state = adapters.lake.load(spec)
        if state and state.token:
            session.lease.raise_epoch(state.token.epoch)
            adapters.cold_files.mark(state)
        session.lease.record(RunOutcome("repaired", TableWatermark.of(state)))
    return show_watermark(adapters, spec)
