"""The engine's port: it writes the splits of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from offload.model.cold_table import WrittenFile
from offload.model.splits import Split
from offload.model.steps import Event, StepEvent
from offload.ports.source import HotRows

Listener = Callable[[StepEvent], None]
"""Called with each event, in the thread in which it happens; an exception of a listener ends the run like any other."""

Emit = Callable[[Event, int], None]
"""How an engine emits an event: the event, and the rows it is about."""


class Engine(Protocol):
    """
    Reads each split of one batch from the source, and writes it as a data file.

    An engine never chooses the rows, never publishes and never records progress. The commands do, so the guarantee is
    the same with every engine.
    """

    def write(self, rows: HotRows, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:
        """
        Write every split; return the files of successful attempts only, in the order of the splits.

        Args:
            rows: The rows of the batch.
            splits: The files to write.
            schema: The cold table's `pyarrow.Schema`, with field ids.
            emit: Called by several threads at once.

        Raises:
            Unavailable: Nothing was published; the same call later is safe.
            DataError: A value does not fit its Iceberg type.
        """
