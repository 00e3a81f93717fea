"""The commit and its fence."""

from __future__ import annotations

from dataclasses import replace

from offload.iceberg import history
from offload.model.cold_table import TableState
from offload.model.token import CommitToken

_ATTEMPTS = 5


def _landed(now: TableState, token: CommitToken) -> TableState | None:
    """
    The table as our own commit left it, or None where it did not land.

    Another run may have published since: then the state returned is behind, and what this run commits next is fenced.
    """
    if now.token == token:
        return now
    for snapshot in now.handle.snapshots():
        if snapshot.summary is not None and snapshot.summary[history.TOKEN] == token.dumps():
            return replace(now, token=token, snapshot_id=snapshot.snapshot_id)
    return None


def _who_came(state: TableState, now: TableState | None) -> str:
    if now is None:
        return "no table"
    return f"another table, {now.uuid}" if now.uuid != state.uuid else f"another commit: {now.token}"
