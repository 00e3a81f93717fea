"""Compare hot with cold over a window; what it means when cold files are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from offload.errors import DataError, SourceMoving
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import NO_DIFFERENCE, Difference, FilesMissing
from offload.protocol.adapters import Adapters
from offload.protocol.reconciliation.late_rows import late_within


@contextmanager
def cold_reads(adapters: Adapters, spec: TableSpec) -> Iterator[None]:
    """
    Translate the signal that cold files are gone.

    Raises:
        SourceMoving: The table does not list them any more: a compaction has replaced them, and removed them at once.
        DataError: The table still lists one of them: its rows are lost.
    """
    try:
        yield
    except FilesMissing as missing:
        now = adapters.lake.load(spec)
        listed = set(adapters.cold_files.live(now, [])) if now else set()
        lost = [path for path in missing.paths if path in listed]
        if lost:
            raise DataError(
                f"every data file of {spec.target} in the warehouse",
                f"{len(lost)} that are gone, such as {lost[0]}",
                f"restore them from a backup, then {spec.command('run')}",
            ) from missing
        raise SourceMoving(
            f"the data files of {spec.target} to stay while they are read",
            f"{len(missing.paths)} that a compaction has replaced and removed, such as {missing.paths[0]}",
            spec.command("run"),
        ) from missing


def compare_tiers(adapters: Adapters, hot: HotTable, state: TableState, window: Window | None) -> Difference:
    """
    Compare both tiers over a window; None: the hot table is empty, and there is nothing to compare.

    Raises:
        SourceMoving: A compaction has removed cold files meanwhile.
        DataError: Cold files are lost.
    """
    if window is None or (window.low is not None and window.high <= window.low):
        return NO_DIFFERENCE
    expired = state.token.expired_through if state.token else None
    if expired is None or (window.low is not None and expired <= window.low):
        return _compared(adapters, hot, state, window)
    # Below, hot has only what `expire-hot` has left there: cold rows that it lacks are no difference.
    below = _compared(adapters, hot, state, Window(window.low, min(expired, window.high)))
    above = Window(expired, window.high)
    return replace(below, extra=0) + compare_tiers(adapters, hot, state, above)


def _compared(adapters: Adapters, hot: HotTable, state: TableState, window: Window) -> Difference:
    spec = hot.schema.spec
    with cold_reads(adapters, spec):
        found = compare_rows(adapters, hot, state, window)
        if not found.missing or not spec.key or spec.timestamp_follows_key:
            return found
        # A redelivery under another timestamp is not missing where cold has its key.
        return replace(found, missing=late_within(adapters.cold_files, hot, state, window).late)


def compare_rows(adapters: Adapters, hot: HotTable, state: TableState, window: Window) -> Difference:
    """Compare the rows of a window in both tiers, each under its own timestamp; within `cold_reads`."""
    precision = hot.schema.precision
    low = None if window.low is None else windows.to_datetime(window.low, precision).isoformat()
    bound = (hot.schema.spec.timestamp, low, windows.to_datetime(window.high, precision).isoformat())
    return hot.cold_reader.compare(window, adapters.cold_files.live(state, [bound]))
