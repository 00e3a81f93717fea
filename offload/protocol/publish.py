"""PUBLISH: build the commit token, and commit files, token and watermark at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import add

from offload.errors import OffloadError
from offload.model.cold_table import Publication, TableState, WrittenFile
from offload.model.fingerprint import NO_ROWS, SourceFingerprint
from offload.model.steps import Event, Step
from offload.model.token import CommitToken
from offload.model.windows import Window
from offload.ports.source import HotTable
from offload.protocol.commit import commit
from offload.protocol.late_rows import LateRows
from offload.protocol.planning import Batch
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
    trace = session.trace
    source = reduce(add, (file.source for file in files))
    before = state.token.watermark_ticks if state.token else None
    watermark = max(ticks for ticks in (source.last, before) if ticks is not None)
    hours = [file.hours for file in files]
    if batch.late:  # the watermark stays: no later window begins before it
        token = commit_token(session, hot, state, Window(before, watermark), watermark, late, source)
        token = replace(token, late_from=batch.window.low, late_to=batch.window.high)
        coverage = state.coverage.swept(hours)
    else:
        token = commit_token(session, hot, state, Window(before, batch.window.high), watermark, late, source)
        coverage = state.coverage.published(hours, watermark // 10**token.precision)
    session.lease.check()
    with trace.step(Step.PUBLISH, token.rows):
        on_uploaded = partial(trace.emit, Event.METADATA_WRITTEN, token.rows)
        publication = Publication(token, tuple(files), coverage)
        trace.state = commit(session.adapters.lake, hot.schema.spec, state, publication, on_uploaded)
        trace.count(
            rows=token.rows,
            swept_rows=token.rows if batch.late else 0,
            files=len(files),
            bytes=sum(file.bytes for file in files),
            batches=1,
        )
        after_commit(session, state, trace.state)
    return trace.state


def after_commit(session: Session, before: TableState, after: TableState) -> None:
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
    watermark: int,
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
        watermark: The table's watermark after the commit, in ticks.
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
        watermark_sequence=hot.statistics.sequence_at(watermark),
        precision=hot.schema.precision,
        source_uuid=hot.identity.uuid,
        source_cluster=hot.identity.cluster,
        table_uuid=state.uuid,
        swept_at=late.swept_at,
        timestamp=hot.schema.spec.timestamp,
        key=hot.schema.spec.key,
        timestamp_follows_key=hot.schema.spec.timestamp_follows_key,
        arrival=hot.schema.spec.arrival,
    )
