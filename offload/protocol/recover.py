"""RECOVER: what the Iceberg table says, held against the source and the watermark store."""

from __future__ import annotations

from typing import Any

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.token import CommitToken, Watermark
from offload.ports.source import HotTable
from offload.ports.watermarks import TableWatermark


def watermark_document(mark: Watermark, precision: int) -> dict[str, str | int | None]:
    """A watermark as `--json` prints it."""
    return {"timestamp": windows.iso(mark.ticks, precision), "sequence": mark.sequence}


def table_watermark(state: TableState | None) -> TableWatermark:
    """What the watermark store should say of a table in this state."""
    token = state.token if state else None
    if state is None or token is None or token.watermark_ticks is None:
        return TableWatermark(None, None, None, None)
    timestamp = windows.to_datetime(token.watermark_ticks, token.precision)
    return TableWatermark(token.watermark_ticks, timestamp, token.watermark_sequence, state.uuid)


def check_source(spec: TableSpec, hot: HotTable, token: CommitToken) -> None:
    """
    Check that the token was written for this hot table.

    Raises:
        DataError: The hot table was recreated, or its timestamp counts otherwise.
    """
    now = hot.identity
    if (token.source_uuid, token.source_cluster) != (now.uuid, now.cluster):
        raise DataError(
            f"{spec.source} to be {token.source_cluster}/{token.source_uuid}, which {spec.target} was filled from",
            f"{now.cluster}/{now.uuid}: it was recreated, or this is another cluster",
            f"{spec.command('adopt')}: it compares hot and cold first",
        )
    if token.precision != hot.schema.precision:
        raise DataError(
            f"{spec.timestamp} with {token.precision} digits after the second, as the watermark counts",
            f"{hot.schema.precision}",
            f"{spec.command('adopt')}: it compares hot and cold first",
        )


def check_not_lost(spec: TableSpec, state: TableState | None, row: dict[str, Any]) -> None:
    """
    Check that a table of which the store knows a watermark still bears its token.

    Raises:
        DataError: It was dropped, or dropped and recreated by hand.
    """
    if (state is None or state.token is None) and row.get("watermark_ticks") is not None:
        raise DataError(
            f"{spec.target} to bear the token of what was published up to {row['last_offload_timestamp']}",
            "no such table" if state is None else "a table without a token: dropped and recreated by hand",
            f"restore the table; or, to begin anew: {spec.command('watermark repair')}",
        )


def disagreement(row: dict[str, Any], catchup: TableWatermark) -> str | None:
    """What the store says that the table does not, or None where they agree."""
    wanted = {
        "last_offload_timestamp": catchup.timestamp,
        "last_offload_max_sequence": catchup.sequence,
        "watermark_ticks": catchup.ticks,
        "cold_table_uuid": catchup.table_uuid,
    }
    different = [f"{name} {row.get(name)}" for name, value in wanted.items() if row.get(name) != value]
    return ", ".join(different) or None
