"""`expire-hot`: drop hot partitions whose every row is proven to be in cold, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from offload.errors import DataError, Fenced, OffloadError, SourceMoving
from offload.model import windows
from offload.model.cold_table import TableState
from offload.model.steps import ExpiryStep, Step
from offload.model.table import TableSpec
from offload.model.windows import Window
from offload.ports.engine import Listener
from offload.ports.partitions import HotPart, HotPartition
from offload.ports.source import HotTable
from offload.protocol import view_refresh
from offload.protocol.adapters import Adapters
from offload.protocol.comparison import cold_reads
from offload.protocol.proof import iso, proven_through, refuse_unproven, unproven_rows
from offload.protocol.publish import publish_proof
from offload.protocol.reconciliation.late_rows import compared
from offload.protocol.recover import recover
from offload.protocol.session import Session, claimed
from offload.protocol.trace import RunTrace

LOOKS = 4  # attempts to find a partition the same before and after its comparison


@dataclass
class Dropped:
    """The parts that were dropped, or that a dry run would drop, by partition in the order of their time."""

    partitions: dict[HotPartition, list[HotPart]] = field(default_factory=dict)

    def add(self, partition: HotPartition, part: HotPart) -> None:
        """Count one part."""
        self.partitions.setdefault(partition, []).append(part)

    @property
    def parts(self) -> list[HotPart]:
        """All of them."""
        return [part for parts in self.partitions.values() for part in parts]


def expire_hot(
    adapters: Adapters,
    spec: TableSpec,
    run_id: str,
    older_than: float,
    *,
    dry_run: bool = False,
    listeners: Sequence[Listener] = (),
) -> dict[str, Any]:
    """
    Drop the partitions that lie wholly below both the proof and the clock less `older_than` seconds.

    Under the lease. First all hot rows up to the watermark are compared with cold; one that is late, changed or without
    a timestamp stops the command. Each partition is compared once more right before its parts are dropped by name.

    Raises:
        DataError: Hot has a row that cold does not prove, or the table has no partitions.
        SourceMoving: The parts of a partition changed during each comparison.
        LeaseHeld: A living run has the table.
    """
    trace, dropped = RunTrace(spec, listeners), Dropped()
    try:
        with claimed(adapters, trace, run_id) as session, cold_reads(adapters, spec):
            _refuse_unpublished(adapters.lake.load(spec), spec)
            with trace.step(Step.RECOVER):
                hot, state = recover(session)
            with trace.step(Step.PLAN):
                chosen, verified = _planned(session, hot, state, older_than)
            if not dry_run:
                before = state.token.expired_through if state.token else None
                ends = [ticks for ticks in (before, *(one.high for one in chosen)) if ticks is not None]
                # Before the drop: rows that a killed command has dropped are no deletes of somebody else.
                state = publish_proof(session, hot, state, verified, max(ends, default=None))
                view_refresh.update(session, hot, state)
            for partition in chosen:
                _expire(session, hot, state, partition, dropped, dry_run=dry_run)
            with trace.step(Step.RECORD):
                session.lease.record(trace.outcome("expired"))
    except OffloadError as error:
        if dropped.parts and not dry_run:
            rows = sum(part.rows for part in dropped.parts)
            error.found += f"; {len(dropped.parts)} parts with {rows} proven rows were dropped before"
        raise
    return _document(hot, state, verified, dropped, dry_run=dry_run)


def _refuse_unpublished(state: TableState | None, spec: TableSpec) -> None:
    if state is None or state.token is None or state.token.watermark_ticks is None:
        raise DataError(
            f"published rows in {spec.target} that prove hot ones", "none published yet", spec.command("run")
        )


def _planned(
    session: Session, hot: HotTable, state: TableState, older_than: float
) -> tuple[list[HotPartition], int | None]:
    """The partitions that may be dropped, and the end of the proof in ticks, after all hot rows were compared."""
    adapters, precision = session.adapters, hot.schema.precision
    partitions = hot.partitions.listed()
    token = state.token
    if token is None or token.watermark_ticks is None or not partitions:
        return [], token.verified_through if token else None
    if rows := hot.statistics.window_stats(Window(None, token.watermark_ticks)).without_timestamp:
        raise DataError(
            f"a timestamp in every row of {session.spec.source}",
            f"{rows} rows with 1970-01-01, whose age nobody knows; nothing was dropped",
            f"delete them or give them a timestamp, then {session.spec.command('expire-hot')}",
        )
    coverage = compared(adapters.cold_files, hot, state, token.watermark_ticks).coverage
    if coverage.late or coverage.changed:
        raise refuse_unproven(hot, f"{coverage.late} late rows, {coverage.changed} changed ones")
    verified, found = proven_through(adapters, hot, state, token.verified_through, partitions[0].low)
    if found:
        raise refuse_unproven(hot, found)
    oldest = windows.window_end(adapters.source.now(), adapters.clock.now(), older_than, precision, verified)
    return [one for one in partitions if verified is not None and one.high <= oldest], verified


def _expire(
    session: Session, hot: HotTable, state: TableState, planned: HotPartition, dropped: Dropped, *, dry_run: bool
) -> None:
    """
    Look at one partition in both tiers, and drop its parts; those that arrive after the look stay.

    Raises:
        SourceMoving: Its parts changed during each look.
    """
    for _ in range(LOOKS):
        with session.trace.step(ExpiryStep.LOOK, planned.rows):
            partition = _looked(session, hot, state, planned)
        if partition is None:
            return
        if partition.parts and _drop(session, hot, planned, partition.parts, dropped, dry_run=dry_run):
            return
    raise SourceMoving(
        f"the parts of partition {planned.id} of {session.spec.source} to stay while they are compared",
        f"merged, changed or new ones during each of {LOOKS} comparisons",
        session.spec.command("expire-hot"),
    )


def _looked(session: Session, hot: HotTable, state: TableState, planned: HotPartition) -> HotPartition | None:
    """
    The partition as it was during a comparison of all its rows; without parts, if they changed meanwhile.

    None: it has no rows any more, or newer ones than those that were planned.
    """
    adapters, spec = session.adapters, session.spec
    before = next(iter(hot.partitions.listed(planned.id)), None)
    if before is None or before.high > planned.high:
        return None
    if found := unproven_rows(adapters, hot, state, Window(before.low - 1, before.high)):
        raise refuse_unproven(hot, f"in partition {planned.id} {found}")
    now = adapters.lake.load(spec)
    if now is None or now.uuid != state.uuid or now.token != state.token:
        raise Fenced(
            f"{spec.target} as it was when its rows were compared",
            "no such table" if now is None else f"another commit: {now.token}",
            spec.command("expire-hot"),
        )
    adapters.lake.check_history(spec, now)
    session.lease.check()
    after = next(iter(hot.partitions.listed(planned.id)), None)
    same = after is not None and (after.parts, after.patches) == (before.parts, before.patches)
    return before if same else HotPartition(before.id, before.low, before.high, ())


def _drop(
    session: Session,
    hot: HotTable,
    planned: HotPartition,
    parts: Sequence[HotPart],
    dropped: Dropped,
    *,
    dry_run: bool,
) -> bool:
    """Drop the parts that were compared, each by its name; False: one was merged or changed since."""
    for part in parts:
        if not dry_run:
            with session.trace.step(ExpiryStep.DROP, part.rows):
                if not hot.partitions.drop(part.name):
                    return False
        dropped.add(planned, part)
    return True


def _document(
    hot: HotTable, state: TableState, verified: int | None, dropped: Dropped, *, dry_run: bool
) -> dict[str, Any]:
    return {
        "table": hot.schema.spec.name,
        "dry_run": dry_run,
        "verified_through": iso(hot, verified),
        "expired_through": iso(hot, state.token.expired_through if state.token else None),
        "partitions": [
            {
                "partition": partition.id,
                "from": iso(hot, partition.low),
                "to": iso(hot, partition.high),
                "parts": len(parts),
                "rows": sum(part.rows for part in parts),
                "bytes": sum(part.bytes for part in parts),
            }
            for partition, parts in dropped.partitions.items()
        ],
        "parts": len(dropped.parts),
        "rows": sum(part.rows for part in dropped.parts),
        "bytes": sum(part.bytes for part in dropped.parts),
        "snapshot_id": state.snapshot_id,
    }
