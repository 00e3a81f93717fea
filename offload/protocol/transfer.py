"""WRITE and VERIFY of one batch: from hot rows to files that were verified and can be published."""

from __future__ import annotations

from dataclasses import dataclass

from offload.model.cold_table import TableState, WrittenFile
from offload.model.steps import Step
from offload.ports.source import HotTable
from offload.protocol.planning import Batch
from offload.protocol.session import Session
from offload.protocol.verify import Verification, check_keys


@dataclass(frozen=True)
class Transferred:
    """
    The files of one batch.

    Attributes:
        files: Those with rows; none: every row of the batch is in cold already, or gone from hot.
        copies: Rows of the window that are further deliveries of a key, or whose key cold has already.
        vanished: Rows of the window that were gone before they could be read.
    """

    files: list[WrittenFile]
    copies: int
    vanished: int


def transfer(session: Session, hot: HotTable, state: TableState, batch: Batch) -> Transferred:
    """Write and verify one batch; warn about rows that vanished. Errors as `Verification` and `check_keys`."""
    trace, adapters = session.trace, session.adapters
    with trace.step(Step.WRITE, batch.stats.rows):
        files = adapters.engine.write(batch.rows, batch.splits, state.schema, trace.emit)
    with trace.step(Step.VERIFY, sum(file.rows for file in files)):
        verification = Verification(adapters, hot, state, batch, trace.emit)
        files = verification.verified(files)
        copies, vanished = verification.check_cover(files)
        check_keys(adapters, hot, state, batch, files)
    trace.count(vanished_rows=vanished)
    if vanished:
        trace.warn(f"{vanished} rows of the window were gone from {session.spec.source} when they were to be read")
    return Transferred(files, copies, vanished)
