"""A session: claim a table, record success or failure, release; around every command that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from offload.errors import OffloadError
from offload.model.table import TableSpec
from offload.ports.watermarks import Lease, RunOutcome
from offload.protocol.adapters import Adapters


@contextmanager
def _claimed(adapters: Adapters, spec: TableSpec, run_id: str) -> Iterator[Lease]:
    """The table's lease; what goes wrong while it is held is recorded, as of a run: nobody is at work then."""
    with adapters.watermarks.claim(spec.source, run_id) as lease:
        try:
            yield lease
        except BaseException as error:
            with suppress(OffloadError):  # the store may be what failed, and the error itself says so
                lease.record(RunOutcome("failed", None, error=str(error)[:2000]))
            raise
