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
    try:
        update(session, hot, state)
    except OffloadError as error:
        shown = view and f"{view.name} still shows snapshot {view.snapshot_id}"
        session.trace.warn(f"the view {shown}: {error}")


def update(session: Session, hot: HotTable, state: TableState) -> None:
    """
    Let the recorded view show the table as it is now, such as before rows that it reads from hot are dropped.

    Raises:
        OffloadError: It could not be replaced, and shows what it showed before.
    """
    view = session.trace.view
    if view is not None and view.snapshot_id != state.snapshot_id:
        create(session, hot, state, view.name)
