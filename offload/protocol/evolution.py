"""The columns of the cold table follow hot's, in a commit without rows that is fenced like every other."""

from __future__ import annotations

from offload.model.cold_table import Publication, TableState
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.publish import commit_token, land
from offload.protocol.reconciliation.late_rows import LateRows
from offload.protocol.session import Session


def evolve(session: Session, hot: HotTable, state: TableState, changes: tuple[str, ...]) -> TableState:
    """
    Let the cold table's columns follow hot's; return the table after it.

    A change of the schema alone fences nobody: a run that has loaded the table before would publish files that lack a
    column. So the commit has a snapshot without rows and a token of its own, which leaves the watermark as it is.

    Raises:
        Fenced: Another run took the table over.
        OutcomeUnknown: Whether the commit landed cannot be read.
    """
    watermark = state.token.watermark_ticks if state.token else None
    last = LateRows(0, 0, state.token.swept_at if state.token else None, watermark, state.coverage)
    token = commit_token(session, hot, state, Window(watermark, watermark or 0), watermark, last)
    session.lease.check()
    after = land(session, hot.schema.spec, state, Publication(token, (), state.coverage, schema=hot.schema))
    session.trace.schema_changes = changes
    return after
