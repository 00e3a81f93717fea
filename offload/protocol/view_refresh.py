"""The view of hot and cold: runs replace it after they have published, and before the store's watermark moves."""

from __future__ import annotations

from offload.errors import OffloadError
from offload.model.cold_table import TableState
from offload.ports.lake import ColdFiles
from offload.ports.source import HotTable
from offload.ports.view import RecordedView, ViewedState
from offload.protocol.session import Session


def viewed(cold_files: ColdFiles, state: TableState) -> ViewedState:
    """What a view of the table shows in this state."""
    return ViewedState(tuple(sorted(cold_files.live(state, []))), state.token.watermark_ticks if state.token else None)


def create(session: Session, hot: HotTable, state: TableState, name: str) -> None:
    """Create the view, or replace it, and record it. Errors as `TableView.create`."""
    hot.view.create(name, viewed(session.adapters.cold_files, state))
    session.trace.view = RecordedView(name, state.snapshot_id)
    session.adapters.views.keep_view(session.spec.source, session.lease.epoch, session.trace.view)


def refresh(session: Session, hot: HotTable, state: TableState) -> None:
    """
    Let the recorded view show the table as it is now; a warning where that fails.

    Until then the view shows the snapshot and the hot rows that it named before, which is exact as well.
    """
    view = session.trace.view
    if view is None or view.snapshot_id == state.snapshot_id:
        return
    try:
        create(session, hot, state, view.name)
    except OffloadError as error:
        session.trace.warn(f"the view {view.name} still shows snapshot {view.snapshot_id}: {error}")
