"""`watermark show` and `watermark repair`."""

from __future__ import annotations

from typing import Any

from offload.model.table import TableSpec
from offload.ports.watermarks import RunOutcome
from offload.protocol.adapters import Adapters
from offload.protocol.recover import table_watermark, watermark_document
from offload.protocol.session import _claimed
from offload.results import plain


def show_watermark(adapters: Adapters, spec: TableSpec) -> dict[str, Any]:
    """The store's row beside the Iceberg table's token, and whether they agree."""
    row = adapters.watermarks.read(spec.source)
    state = adapters.lake.load(spec)
    token = state.token if state else None
    in_store = row["watermark_ticks"] if row else None
    return {
        "table": spec.name,
        "store": plain(row) if row else None,
        "cold": token
        and {
            "watermark": token.watermark and watermark_document(token.watermark, token.precision),
            "epoch": token.epoch,
            "run_id": token.run_id,
            "rows": state.records if state else 0,
        },
        "agree": in_store == (token.watermark_ticks if token else None),
    }


def repair_watermark(adapters: Adapters, spec: TableSpec, run_id: str) -> dict[str, Any]:
    """
    Put the store to the Iceberg table's value, whatever stands there; a table that is gone leaves no watermark.

    Raises:
        LeaseHeld: A run is at work on it.
    """
    with _claimed(adapters, spec, run_id) as lease:
        state = adapters.lake.load(spec)
        token = state.token if state else None
        if token:
            lease.raise_epoch(token.epoch)
        lease.record(RunOutcome("repaired", table_watermark(state)))
    return show_watermark(adapters, spec)
