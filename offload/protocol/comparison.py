"""Compare hot with cold over a window."""

from __future__ import annotations

from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import NO_DIFFERENCE, Difference
from offload.protocol.adapters import Adapters


def compare_tiers(adapters: Adapters, hot: HotTable, state: TableState, window: Window | None) -> Difference:
    """Compare both tiers over a window; None: the hot table is empty, and there is nothing to compare."""
    if window is None or (window.low is not None and window.high <= window.low):
        return NO_DIFFERENCE
    precision = hot.schema.precision
    low = None if window.low is None else windows.to_datetime(window.low, precision).isoformat()
    bound = (hot.schema.spec.timestamp, low, windows.to_datetime(window.high, precision).isoformat())
    return hot.verifier.compare(window, adapters.cold_files.live(state, [bound]))
