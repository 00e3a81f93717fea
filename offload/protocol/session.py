"""A session: claim a table, record success or failure, release; around every command that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from offload.errors import OffloadError
from offload.model.steps import Step
from offload.model.table import TableSpec
from offload.ports.watermarks import Lease
from offload.protocol.adapters import Adapters
from offload.protocol.trace import RunTrace

_ERROR_LENGTH = 2000  # characters of a message that the store keeps


@dataclass(frozen=True)
class Session:
    """
    A claimed table, and everything that a command needs to work on it.

    Attributes:
        adapters: One per port.
        trace: The command's own trace.
        lease: The lease of the table.
        run_id: Id of the whole run, the same for all its tables.
    """

    adapters: Adapters
    trace: RunTrace
    lease: Lease
    run_id: str

    @property
    def spec(self) -> TableSpec:
        """The table."""
        return self.trace.spec


@contextmanager
def claimed(adapters: Adapters, trace: RunTrace, run_id: str) -> Iterator[Session]:
    """
    CLAIM: hold the table's lease for the block. A failure of the block is recorded, so that the lease is free again.

    Success is recorded by the block itself, because the time of that step counts.

    Raises:
        LeaseHeld: A living run has the table.
    """
    with ExitStack() as stack:
        with trace.step(Step.CLAIM):
            lease = stack.enter_context(adapters.watermarks.claim(trace.spec.source, run_id))
        try:
            yield Session(adapters, trace, lease, run_id)
        except BaseException as error:
            _record_failure(lease, trace, error)
            raise


def _record_failure(lease: Lease, trace: RunTrace, error: BaseException) -> None:
    try:
        lease.record(trace.outcome("failed", str(error)[:_ERROR_LENGTH]))
    except OffloadError as second:  # the store may be what failed
        trace.warn(f"the failure could not be recorded in the watermark store: {second}")
