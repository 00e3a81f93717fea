"""What an operator does by hand: adopt a cold table, look at the watermark, repair the store."""

from __future__ import annotations

from typing import Any

from offload.commands.audit import compare
from offload.errors import DataError
from offload.model import windows
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.watermarks import RunOutcome
from offload.protocol.adapters import Adapters
from offload.protocol.publish import _token
from offload.protocol.recover import table_watermark, watermark_document
from offload.protocol.session import _claimed


def adopt(adapters: Adapters, spec: TableSpec, run_id: str) -> dict[str, Any]:
    """
    Take over a cold table as it stands: compare it with hot, and write a token with its newest timestamp.

    What hot has expired cannot be compared, and is taken as it is.

    Raises:
        DataError: There is no such table, its columns or rows are not hot's, or a timestamp is yet to come.
        LeaseHeld: A run is at work on it.
    """
    with _claimed(adapters, spec, run_id) as lease:
        state = adapters.lake.load(spec)
        hot = adapters.source.describe(spec)
        if state is None or not state.records:
            found = "no such table" if state is None else "a table without rows"
            raise DataError(f"rows in {spec.target} to adopt", found, spec.command("run"))
        adapters.lake.check_columns(hot.schema, state)
        looked = adapters.source.now()  # the comparison below finds every row that has arrived by now
        mark = adapters.verifier.newest(hot.schema, adapters.lake.files(state, []))
        _refuse_future(adapters, hot, mark, looked)
        oldest = hot.oldest()
        window = None if oldest is None else Window(oldest - 1, mark)
        found_difference = compare(adapters, hot, state, window)
        if (found_difference.missing, found_difference.extra, found_difference.different) != (0, 0, 0):
            raise DataError(
                f"{spec.target} to hold the rows of {spec.source} up to {windows.iso(mark, hot.schema.precision)}",
                f"{found_difference.missing} missing, {found_difference.extra} extra, "
                f"{found_difference.different} different",
                "mend the cold table, then adopt it again",
            )
        lease.raise_epoch(state.token.epoch if state.token else 0)
        state = adapters.lake.publish(spec, state, [], _token(lease, hot, state, mark, run_id, looked), lambda: None)
        lease.record(RunOutcome("success", table_watermark(state)))
    token = state.token
    return {
        "table": spec.name,
        "rows": state.records,
        "compared_rows": found_difference.hot_rows,
        "watermark": token and token.watermark and watermark_document(token.watermark, hot.schema.precision),
        "snapshot_id": state.snapshot_id,
    }


def _refuse_future(adapters: Adapters, hot: HotTable, mark: int, now: int) -> None:
    """A watermark ahead of the clock would leave everything behind it that is still to come."""
    spec, precision = hot.schema.spec, hot.schema.precision
    latest = windows.window_end(now, adapters.clock.now(), 0, precision, None)
    if mark > latest:
        raise DataError(
            f"no timestamp after {windows.iso(latest, precision)} in {spec.target}",
            f"{windows.iso(mark, precision)}",
            "remove the rows of the future from both tiers, then adopt again",
        )
