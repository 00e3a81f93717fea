"""The warning of published rows that hot has lost: how many, of which hours or days, and how they were deleted."""

from __future__ import annotations

from collections.abc import Sequence

from offload.model.deletion import Deletion
from offload.ports.source import HotTable
from offload.protocol.session import Session

LISTED = 5  # spans; a warning is read by a person


def warn_of_deletions(session: Session, hot: HotTable, deletions: Sequence[Deletion], since: int | None) -> None:
    """Warn; `since` is a time before the deletions, microseconds UTC on the source's clock; None: unknown."""
    spec, rows = session.spec, sum(one.rows for one in deletions)
    ordered = sorted(deletions, key=lambda one: one.first)
    spans = ", ".join(map(str, ordered[:LISTED]))
    more = f" and {len(ordered) - LISTED} more" if len(ordered) > LISTED else ""
    session.trace.warn(
        f"{rows} published rows are gone from {spec.source}, and no TTL explains it: {spans}{more}; "
        f"{_how(hot.deletions.since(since), ordered)}; {spec.target} keeps them"
    )


def _how(said: Sequence[str], deletions: Sequence[Deletion]) -> str:
    if said:
        return f"ClickHouse has {'; '.join(said)}"
    emptied = any(one.emptied for one in deletions)
    dropped = "a partition is no longer there, or the table was truncated" if emptied else "rows were deleted"
    return f"{dropped}; ClickHouse does not say how (docs/grants.md)"
