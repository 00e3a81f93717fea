"""The engine's port: it writes the splits of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from offload.model.cold_table import WrittenFile
from offload.model.splits import Split
from offload.model.steps import Event, StepEvent
from offload.ports.source import HotTable

Listener = Callable[[StepEvent], None]
"""Told each moment, in the thread where it happens; what it raises ends the run like any other failure."""


Emit = Callable[[Event, int], None]
"""How an engine says what happens: the event and the rows it is about."""


class Engine(Protocol):
    """
    Carries out the splits of one batch: reads each from the source, writes it as a data file.

    An engine never chooses what to read, never publishes and never records progress: the runner does, so every engine
    inherits the same guarantee.
    """

    def write(self, hot: HotTable, splits: Sequence[Split], schema: Any, emit: Emit) -> list[WrittenFile]:
        """
        Write every split; return the files of successful attempts only, in the order of the splits.

        Raises:
            Unavailable: Nothing was published; the same call later is safe.
            DataError: A row that cannot be carried.
        """
