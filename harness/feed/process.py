"""The process of a feed handler: start, kill -9, stop and restart it, and read its ledger."""

from __future__ import annotations

import os
import shlex
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
LAST = 500  # characters of the journal in a message


def recorded(folder: Path) -> tuple[str, ...]:
    """Return the arguments for recorded trades, for `Feed.source`."""
    return "--recorded", str(folder)


def generated(seed: int, start: float, per_second: int = 100) -> tuple[str, ...]:
    """
    Return the arguments for generated trades, for `Feed.source`.

    Args:
        seed: The same seed and start give the same trades.
        start: Time of the first trade, in seconds since 1970 UTC. No trade is sent before its own time.
        per_second: Messages per second of trade time.
    """
    return "--seed", str(seed), "--start", str(int(start * 1_000_000)), "--per-second", str(per_second)


@dataclass
class Feed:
    """
    The feed handler of one exchange; as a context manager it runs during the block and is killed at the end.

    Attributes:
        exchange: binance, kraken or coinbase.
        bootstrap: Address of the broker for clients on this host, host:port.
        topic: Name of an existing topic with one partition.
        journal: Path of the journal; all processes of this handler write to it, one after the other.
        source: The arguments that `recorded` or `generated` returned.
        rate: At most this many messages per second; 0: as fast as the broker accepts them.
        until: The handler ends before the message with this number; None: it ends with the source.
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
        """The process of the handler, which a test may also freeze and thaw."""
        if self._running is None:
            raise RuntimeError("expected a started feed handler; found none; next: call Feed.start() first")
        return self._running

    def start(self) -> Self:
        """Start a process, which continues at the end of the log; a process that still runs is killed first."""
        self._kill_running()
        until = () if self.until is None else ("--until", str(self.until))
        command = [
            *(sys.executable, "-m", "harness.feed"),
            *("--exchange", self.exchange, "--bootstrap", self.bootstrap, "--topic", self.topic),
            *("--journal", str(self.journal), "--rate", str(self.rate), *until, *self.source),
        ]
        folder = TemporaryDirectory(prefix="feed-", ignore_cleanup_errors=True)
        self._running = running = ChildProcess(command, os.environ, None, folder)
        # The first output is "ready" (SIGTERM now stops the handler cleanly) or the error that prevents the start.
        wait_until(
            running.output,
            lambda: (
                f"expected the feed handler of {self.exchange} to print ready; found no output; "
                f"next: run {shlex.join(command)}"
            ),
            TIMEOUT,
        )
        return self

    def kill(self) -> None:
        """Send SIGKILL and wait for the end; does nothing if the process has ended."""
        self.running.kill()
        self.running.wait()

    def stop(self, timeout: float = TIMEOUT) -> Completed:
        """
        Send SIGTERM: the handler waits for the broker's answers and ends.

        Raises:
            TimeoutError: The process still runs after `timeout` seconds.
            RuntimeError: The exit code is not 0.
        """
        os.kill(self.running.pid, signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = TIMEOUT) -> Completed:
        """
        Wait until the handler has ended by itself: the source has ended, or `until` is reached.

        Raises:
            TimeoutError: The process still runs after `timeout` seconds.
            RuntimeError: The exit code is not 0.
        """
        try:
            completed = self.running.wait(timeout)
        except TimeoutError as error:
            raise TimeoutError(
                f"{error}; end of the journal: {self._last_lines()}; next: read {self.journal}"
            ) from error
        if completed.returncode:
            raise RuntimeError(
                f"expected exit code 0 of the feed handler of {self.exchange}; found exit code {completed.returncode}; "
                f"stderr: {completed.stderr[-2000:]}; next: read {self.journal}"
            )
        return completed

    def ledger(self) -> Ledger:
        """Read the ledger of all trades sent so far."""
        return read_ledger(self.journal)

    def acked(self) -> int:
        """Count the messages acked so far, without parsing the journal."""
        return self.journal.read_bytes().count(b'"acked": ') if self.journal.exists() else 0

    def wait_acked(self, messages: int, timeout: float = TIMEOUT) -> None:
        """
        Wait until at least `messages` messages have been acked, over all processes of this handler.

        Raises:
            TimeoutError: Fewer are acked after `timeout` seconds.
        """
        wait_until(
            lambda: self.acked() >= messages,
            lambda: (
                f"expected {messages} acked messages; found {self.acked()}; "
                f"output of the handler: {self.running.output()}; next: read {self.journal}"
            ),
            timeout,
        )

    def _last_lines(self) -> str:
        return self.journal.read_text()[-LAST:] if self.journal.exists() else "(no journal)"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._kill_running()

    def _kill_running(self) -> None:
        if self._running:
            self._running.__exit__()
