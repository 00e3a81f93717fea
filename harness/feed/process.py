"""The handle of a feed handler's process: start, kill -9, stop, start again, and what it did."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from harness.child_process import ChildProcess
from harness.feed.journal import read_ledger
from harness.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from harness.child_process import Completed
    from harness.model import Ledger

TIMEOUT = 120.0
LAST = 500  # characters


def recorded(folder: Path) -> tuple[str, ...]:
    """Say that recorded trades are to be sent, as `Feed.source` takes it."""
    return "--recorded", str(folder)


def generated(seed: int, start: float, per_second: int = 100) -> tuple[str, ...]:
    """
    Say that trades are to be made up, as `Feed.source` takes it.

    Args:
        seed: The same seed and start give the same trades.
        start: Time of the first, in seconds since 1970 UTC. None is sent before its time.
        per_second: Messages in a second.
    """
    return "--seed", str(seed), "--start", str(int(start * 1_000_000)), "--per-second", str(per_second)


@dataclass
class Feed:
    """
    The feed handler of one exchange; as a context manager it runs within the block and is killed at its end.

    Attributes:
        exchange: binance, kraken or coinbase.
        bootstrap: The broker, as this host sees it.
        topic: Must exist, with one partition.
        journal: File that outlives every process of this handler.
        source: What `recorded` or `generated` gave.
        rate: Messages a second at most; 0: as fast as the broker takes them.
        until: So many of the source's messages stand in the log at the end; None: without end.
    """

    exchange: str
    bootstrap: str
    topic: str
    journal: Path
    source: tuple[str, ...]
    rate: float = 0.0
    until: int | None = None
    _running: ChildProcess | None = field(default=None, init=False)

    @property
    def running(self) -> ChildProcess:
        """The process: it can be frozen and thawed too."""
        if self._running is None:
            raise RuntimeError("expected a handler that was started; found none; next: call start()")
        return self._running

    def start(self) -> Self:
        """Start a process; it goes on where the log ends. One that still runs is killed first."""
        self._leave()
        until = () if self.until is None else ("--until", str(self.until))
        command = [
            *(sys.executable, "-m", "harness.feed"),
            *("--exchange", self.exchange, "--bootstrap", self.bootstrap, "--topic", self.topic),
            *("--journal", str(self.journal), "--rate", str(self.rate), *until, *self.source),
        ]
        folder = TemporaryDirectory(prefix="feed-", ignore_cleanup_errors=True)
        self._running = running = ChildProcess(command, os.environ, None, folder)
        # It says that SIGTERM will be heeded, or why it cannot start.
        wait_until(running.output, lambda: f"a feed handler of {self.exchange} that says ready; found silence", TIMEOUT)
        return self

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; harmless when it has ended."""
        self.running.kill()
        self.running.wait()

    def stop(self, timeout: float = TIMEOUT) -> Completed:
        """
        SIGTERM: it waits for the broker's answers and ends.

        Raises:
            TimeoutError: It has not ended after so many seconds.
            RuntimeError: It ended otherwise than well.
        """
        os.kill(self.running.pid, signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = TIMEOUT) -> Completed:
        """
        Wait until the source has ended or `until` is reached.

        Raises:
            TimeoutError: It has not ended after so many seconds.
            RuntimeError: It ended otherwise than well.
        """
        try:
            finished = self.running.wait(timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its journal ends with: {self._last_lines()}") from error
        if finished.returncode:
            raise RuntimeError(
                f"expected the feed handler of {self.exchange} to end well; found exit code {finished.returncode}; "
                f"it said: {finished.stderr[-2000:]}; next: read {self.journal}"
            )
        return finished

    def ledger(self) -> Ledger:
        """What became of each trade so far."""
        return read_ledger(self.journal)

    def acked(self) -> int:
        """So many messages have been acked so far, told cheaply."""
        return self.journal.read_bytes().count(b'"acked": ') if self.journal.exists() else 0

    def wait_acked(self, messages: int, timeout: float = TIMEOUT) -> None:
        """
        Wait until so many messages have been acked, over all processes of this handler.

        Raises:
            TimeoutError: They have not, after so many seconds.
        """
        wait_until(
            lambda: self.acked() >= messages,
            lambda: (
                f"expected {messages} acked messages; found {self.acked()} in {self.journal}; "
                f"the handler said: {self.running.output()}"
            ),
            timeout,
        )

    def _last_lines(self) -> str:
        return self.journal.read_text()[-LAST:] if self.journal.exists() else "nothing"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._running:
            self._running.__exit__()
