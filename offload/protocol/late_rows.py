"""Which hot rows are late: at or below the watermark, and not in the cold table."""

from __future__ import annotations

from offload.model import windows

CLOCKS_APART = 30_000_000  # microseconds; more is a warning
SWEEP_MARGIN = 600_000_000  # microseconds: an insert's arrival time lies that much before it is visible, at most
LOOK_BACK = 2 * windows.HOUR
