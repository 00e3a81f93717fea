"""PUBLISH: build the commit token, and commit."""

from __future__ import annotations

from offload.model.cold_table import TableState
from offload.model.token import CommitToken
from offload.ports.source import HotTable
from offload.ports.watermarks import Lease


def _token(lease: Lease, hot: HotTable, state: TableState, mark: int, run_id: str, looked: int) -> CommitToken:
    return CommitToken(
        run_id=run_id,
        epoch=lease.epoch,
        batch=0,
        run_from=None,
        window_from=None,
        window_to=mark,
        rows=0,
        digest=0,
        watermark_ticks=mark,
        watermark_sequence=hot.sequence_at(mark),
        precision=hot.schema.precision,
        source_uuid=hot.identity.uuid,
        source_cluster=hot.identity.cluster,
        table_uuid=state.uuid,
        swept_at=looked,
    )
