"""A reader that queries a view again and again while a scenario runs."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.checkers.view import ViewRead
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TIMEOUT = 60.0


@dataclass
class ViewReader:
    """
    Queries a view in a thread of its own.

    Attributes:
        view: The view.
        column: The column with the ids of the trades.
        where: Which rows are read, in ClickHouse's SQL.
        reads: Every query and its answer, oldest first.
        error: The error that ended the reader; None: none.
    """

    view: HotTableAddress
    column: str
    where: str = "1"
    reads: list[ViewRead] = field(default_factory=list)
    error: Exception | None = None
    _required: frozenset[str] = frozenset()
    _stopped: threading.Event = field(default_factory=threading.Event)

    def require(self, ids: Iterable[str]) -> None:
        """From now on every read must find these ids as well: they are in hot."""
        self._required |= frozenset(ids)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read for the length of the block, and at least once after its last statement."""
        thread = threading.Thread(target=self._read, name="view-reader")
        thread.start()
        try:
            yield
            self.again()
        finally:
            self._stopped.set()
            thread.join()
        if self.error:
            raise self.error

    def again(self) -> None:
        """Wait until a query that was sent from now on is answered."""
        before = len(self.reads) + 1  # one may be under way
        wait_until(
            lambda: self.error or len(self.reads) > before,
            lambda: f"expected an answer of {self.view.name}; found {len(self.reads)} so far",
            TIMEOUT,
        )

    def _read(self) -> None:
        try:
            while not self._stopped.is_set():
                required, at = self._required, time.monotonic()
                found = tuple(read_hot(self.view, [self.column], where=self.where).column(self.column).to_pylist())
                self.reads.append(ViewRead(at, required, found))
                self._required |= frozenset(found)
        except Exception as error:  # noqa: BLE001  # raised again where the block ends
            self.error = error
