"""PUBLISH: build the commit token, and commit files, token and watermark at once; or a proof without rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import add

from offload.errors import OffloadError
from offload.model.cold_table import Publication, TableState, WrittenFile
from offload.model.fingerprint import NO_ROWS, SourceFingerprint
from offload.model.splits import BatchKind
from offload.model.steps import Event, Step
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.commit import commit
from offload.protocol.planning import Batch
from offload.protocol.reconciliation.late_rows import LateRows
from offload.protocol.session import Session


def publish(
    session: Session,
    hot: HotTable,
    state: TableState,
    batch: Batch,
    files: Sequence[WrittenFile],
    late: LateRows,
) -> TableState:
    """
    Publish the verified files of a batch; return the cold table after it.

    Raises:
        Fenced: Another run took the table over.
        OutcomeUnknown: Whether the commit landed cannot be read.
    """
    source = reduce(add, (file.source for file in files))
    before = state.token.watermark_ticks if state.token else None
    watermark = max(ticks for ticks in (source.last, before) if ticks is not None)
    hours = [file.hours for file in files]
    if batch.kind is BatchKind.LATE:  # the watermark stays: no later window begins before it
        token = commit_token(session, hot, state, Window(before, watermark), watermark, late, source)
        token = replace(token, late_from=batch.window.low, late_to=batch.window.high)
        coverage = state.coverage.swept(hours)
    else:
        token = commit_token(session, hot, state, Window(before, batch.window.high), watermark, late, source)
        coverage = state.coverage.published(hours, watermark // 10**token.precision)
    swept = token.rows if batch.kind is BatchKind.LATE else 0
    return committed(
        session, hot.schema.spec, state, Publication(token, tuple(files), coverage), rows=token.rows, swept_rows=swept
    )


def committed(
    session: Session, spec: TableSpec, state: TableState, publication: Publication, **counts: int
) -> TableState:
    """Commit a publication; return the cold table after it. `counts` are added when it has landed; errors as above."""
    trace, files, rows = session.trace, publication.files, sum(file.rows for file in publication.files)
    session.lease.check()
    with trace.step(Step.PUBLISH, rows):
        after = land(session, spec, state, publication)
        trace.count(files=len(files), bytes=sum(file.bytes for file in files), batches=1, **counts)
    return after


def land(session: Session, spec: TableSpec, state: TableState, publication: Publication) -> TableState:
    """
    Commit a publication, with rows or without; return the cold table after it. Errors as `publish`.

    Check the lease first, before the step begins: a run that has lost it tries nothing.
    """
    trace, rows = session.trace, sum(file.rows for file in publication.files)
    after = commit(session.adapters.lake, spec, state, publication, partial(trace.emit, Event.METADATA_WRITTEN, rows))
    trace.state = after
    _after_commit(session, state, after)
    return after


def publish_coverage(session: Session, hot: HotTable, state: TableState, late: LateRows) -> TableState:
    """
    Commit the coverage that the check left, without a row, so that the next run compares with it.

    Raises:
        As `publish`.
    """
    mark = state.token.watermark_ticks if state.token else None
    if mark is None:
        return state
    token = commit_token(session, hot, state, Window(mark, mark), mark, late)
    session.lease.check()
    with session.trace.step(Step.PUBLISH):
        return land(session, hot.schema.spec, state, Publication(token, (), late.coverage))


def publish_proof(
    session: Session, hot: HotTable, state: TableState, verified: int | None, expired: int | None
) -> TableState:
    """
    Write how far hot was proven and dropped (ticks) into a table that has a watermark, in a commit without rows.

    Properties change only together with a snapshot, so that another writer is fenced by it. No change, no commit.

    Raises:
        Fenced: Another run took the table over.
        OutcomeUnknown: Whether the commit landed cannot be read.
    """
    trace, before = session.trace, state.token
    if before is None or (verified, expired) == (before.verified_through, before.expired_through):
        return state
    mark = before.watermark_ticks if before.watermark_ticks is not None else before.window_to
    token = replace(
        before,
        run_id=session.run_id,
        epoch=session.lease.epoch,
        batch=trace.counters.batches,
        run_from=before.watermark_ticks,
        window_from=before.watermark_ticks,
        window_to=mark,
        rows=0,
        digest=0,
        late_from=None,
        late_to=None,
        replaced_rows=0,
        changed_by=None,
        reason=None,
        verified_through=verified,
        expired_through=expired,
    )
    session.lease.check()
    with trace.step(Step.PUBLISH):
        return land(session, hot.schema.spec, state, Publication(token, (), state.coverage))


def _after_commit(session: Session, before: TableState, after: TableState) -> None:
    """Write the mark and remove old metadata; where that fails, the rows are published all the same."""
    files, warn = session.adapters.cold_files, session.trace.warn
    try:
        files.mark(after)
    except OffloadError as error:
        warn(f"the mark beside {session.spec.target} could not be written: {error}")
    try:
        files.remove_old_metadata(before, after)
    except OffloadError as error:
        warn(f"old metadata files of {session.spec.target} could not be removed: {error}")


def commit_token(
    session: Session,
    hot: HotTable,
    state: TableState,
    window: Window,
    watermark: int | None,
    late: LateRows,
    source: SourceFingerprint = NO_ROWS,
) -> CommitToken:
    """
    The token of the next commit.

    Args:
        session: The run.
        hot: The table that the rows come from.
        state: The cold table before the commit.
        window: The window that the commit publishes.
        watermark: The table's watermark after the commit, in ticks; None: it has no row.
        late: The last check for late rows.
        source: Count and digest of the published rows.
    """
    return CommitToken(
        run_id=session.run_id,
        epoch=session.lease.epoch,
        batch=session.trace.counters.batches,
        run_from=late.run_from,
        window_from=window.low,
        window_to=window.high,
        rows=source.fingerprint.rows,
        digest=source.fingerprint.digest,
        watermark_ticks=watermark,
        watermark_sequence=None if watermark is None else hot.statistics.sequence_at(watermark),
        precision=hot.schema.precision,
        source_uuid=hot.identity.uuid,
        source_cluster=hot.identity.cluster,
        table_uuid=state.uuid,
        swept_at=late.swept_at,
        timestamp=hot.schema.spec.timestamp,
        key=hot.schema.spec.key,
        timestamp_follows_key=hot.schema.spec.timestamp_follows_key,
        arrival=hot.schema.spec.arrival,
        verified_through=state.token.verified_through if state.token else None,
        expired_through=state.token.expired_through if state.token else None,
    )
