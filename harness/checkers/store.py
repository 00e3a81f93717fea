"""The store checker: the watermark store has the value of the Iceberg table, and nobody has the lease."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from harness.readers.iceberg import read_properties
from harness.readers.values import EPOCH
from harness.verdict import Finding, Violation, finding

if TYPE_CHECKING:
    from harness.readers.iceberg import ColdTableAddress


WATERMARK = "tidemark.watermark"


class Tiers(Protocol):
    """Where a cold table and its row of the watermark store are found; reading either changes nothing."""

    @property
    def cold(self) -> ColdTableAddress:
        """The cold table."""

    def watermark_row(self) -> dict[str, Any]:
        """The table's row of the watermark store; empty where there is none."""


def check_store(environment: Tiers) -> Finding:
    """Judge that the watermark store says what the table says, and that nobody holds the lease."""
    row, mark = environment.watermark_row(), cold_watermark(environment)
    shown = row.get("last_offload_timestamp")
    row["last_offload_timestamp"] = None if shown is None else _microseconds(shown)
    wanted = {"watermark_ticks": mark, "last_offload_timestamp": mark, "status": "success", "owner": "nobody"}
    offences = [
        Violation(f"{name}: expected {expected}, found {row.get(name)}")
        for name, expected in wanted.items()
        if row.get(name) != expected
    ]
    return finding("watermark_store", f"the store follows the table, which stands at {mark}", offences)


def _microseconds(shown: object) -> int | None:
    """A time as Postgres (aware) or SQLite (text in UTC) gives it, in microseconds since 1970 UTC."""
    try:
        moment = datetime.fromisoformat(str(shown))
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)


def cold_watermark(environment: Tiers) -> int | None:
    """The watermark that the table itself names, in ticks."""
    text = read_properties(environment.cold).get(WATERMARK)
    return int(text) if text else None
