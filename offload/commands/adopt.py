"""`adopt`: take over a cold table that another job filled."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any

from offload.errors import DataError
from offload.model import windows
from offload.model.cold_table import Publication, TableState
from offload.model.coverage import Coverage
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.ports.verifier import Accepted, Difference
from offload.ports.watermarks import NO_WATERMARK
from offload.protocol.adapters import Adapters
from offload.protocol.commit import commit
from offload.protocol.comparison import cold_reads, compare_tiers
from offload.protocol.planning import open_ticks
from offload.protocol.publish import commit_token
from offload.protocol.reconciliation.late_rows import LateRows, compared
from offload.protocol.recover import check_not_lost
from offload.protocol.session import claimed
from offload.protocol.trace import RunTrace
from offload.results import watermark_document

NOTHING = Accepted()
_log = logging.getLogger(__name__)


def adopt(adapters: Adapters, spec: TableSpec, run_id: str, accepted: Accepted = NOTHING) -> dict[str, Any]:
    """
    Take over a cold table as it is: compare it with hot, and write a token with its newest timestamp.

    Rows that hot has expired cannot be compared; they are accepted as they are. Differences are accepted only where a
    person names them with their number; missing rows go on being counted as late, and audit goes on counting all.

    Raises:
        DataError: There is no such table, its columns or rows differ from hot's, or a timestamp is in the future.
        LeaseHeld: A living run has the table.
    """
    trace = RunTrace(spec)
    with claimed(adapters, trace, run_id) as session:
        state = adapters.lake.load(spec)
        hot = adapters.source.describe(spec)
        if state is None or not state.records:
            stored = adapters.watermarks.read(spec.source)
            check_not_lost(spec, state, stored.watermark if stored else NO_WATERMARK)
            found = "no such table" if state is None else "a table without rows"
            raise DataError(f"rows in {spec.target} to adopt", found, spec.command("run"))
        adapters.lake.check_columns(hot.schema, state)
        now = adapters.source.now()  # the comparison below finds every row that has arrived by now
        with cold_reads(adapters, spec):
            mark = hot.cold_reader.newest(adapters.cold_files.live(state, []))
        _refuse_future(adapters, hot, mark, now)
        difference = _compare(adapters, hot, state, mark, accepted)
        session.lease.raise_epoch(state.token.epoch if state.token else 0)
        late = LateRows(0, 0, now, None, _coverage(adapters, hot, state, mark, accepted))
        token = commit_token(session, hot, state, Window(None, mark), mark, late)
        token = replace(token, verified_through=None)  # of another hot table, perhaps
        state = trace.state = commit(
            adapters.lake, hot.schema.spec, state, Publication(token, (), late.coverage), lambda: None
        )
        adapters.cold_files.mark(state)
        session.lease.record(trace.outcome("success"))
    return {
        "table": spec.name,
        "rows": state.records,
        "compared_rows": difference.hot_rows,
        "accepted": asdict(accepted),
        "watermark": token.watermark and watermark_document(token.watermark, hot.schema.precision),
        "snapshot_id": state.snapshot_id,
    }


def _coverage(adapters: Adapters, hot: HotTable, state: TableState, mark: int, accepted: Accepted) -> Coverage:
    """Where rows are missing that are accepted; without such rows nothing: the next run compares every row, once."""
    if not accepted.missing:
        return Coverage()
    found = compared(adapters.cold_files, hot, replace(state, coverage=Coverage()), mark).coverage
    return found.accepted().published([], mark // 10**hot.schema.precision)


def _compare(adapters: Adapters, hot: HotTable, state: TableState, mark: int, accepted: Accepted) -> Difference:
    spec, oldest = hot.schema.spec, hot.statistics.oldest()
    window = None if oldest is None else Window(oldest - 1, mark)
    difference = compare_tiers(adapters, hot, state, window)
    if difference.equal and accepted != NOTHING:
        raise DataError(
            f"differences of {spec.source} and {spec.target} to accept: {accepted.missing} missing, {accepted.extra} "
            f"extra, {accepted.different} different",
            "none: both have the same rows",
            spec.command("adopt"),
        )
    if not accepted.covers(difference):
        flags = {"missing": difference.missing, "extra": difference.extra, "different": difference.different}
        chosen = " ".join(f"--accept-{name} {count}" for name, count in flags.items() if count)
        raise DataError(
            f"{spec.target} to have the rows of {spec.source} up to {windows.iso(mark, hot.schema.precision)}",
            f"{difference.missing} missing, {difference.extra} extra, {difference.different} different, "
            f"{difference.doubled} doubled",
            f"correct the cold table, then {spec.command('adopt')}; or accept these rows as they are: "
            f"{spec.command('adopt')} {chosen}",
        )
    if accepted != NOTHING:
        _log.warning("%s: adopted with accepted differences: %s", spec.name, accepted)
    return difference


def _refuse_future(adapters: Adapters, hot: HotTable, mark: int, now: int) -> None:
    """
    A watermark ahead of the clock would make every row late that is inserted until then.

    Where a row covers an interval, one that is still open would stay in cold as it is now.
    """
    spec, precision = hot.schema.spec, hot.schema.precision
    latest = windows.window_end(now, adapters.clock.now(), 0, precision, None) - open_ticks(hot)
    if mark > latest:
        raise DataError(
            f"no timestamp after {windows.iso(latest, precision)} in {spec.target}",
            f"{windows.iso(mark, precision)}",
            f"remove later rows from both tiers, then {spec.command('adopt')}",
        )
