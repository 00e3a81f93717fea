"""A child process: its output in files, its end, its signals."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Self

from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


TIMEOUT = 120.0


@dataclass(frozen=True)
class Completed:
    """
    How a child ended.

    Attributes:
        returncode: Exit code, or minus the signal that ended it.
        stdout: All of it.
        stderr: All of it.
        killed: SIGKILL ended it.
        fault_fired: The fault wrote its marker: it struck. False where none was asked for.
    """

    returncode: int
    stdout: str
    stderr: str
    killed: bool
    fault_fired: bool


class ChildProcess:
    """A child that has been started; signals go to its pid alone."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None, folder: TemporaryDirectory[str]
    ) -> None:
        self._folder = folder
        self._here = Path(folder.name)
        with self._file("stdout") as out, self._file("stderr") as err:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def _file(self, name: str) -> IO[bytes]:
        """Files, not pipes: a child that nobody reads from must not stop at a full pipe."""
        return (self._here / name).open("wb")

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def fault_fired(self) -> bool:
        """The fault's marker is there."""
        return (self._here / "marker").exists()

    @property
    def ended(self) -> bool:
        """It runs no more."""
        return self._process.poll() is not None

    def output(self) -> str:
        """Everything that the child has said so far, for messages."""
        return (self._text("stdout") + self._text("stderr"))[-4000:]

    def _text(self, name: str) -> str:
        return (self._here / name).read_text(errors="replace")

    def wait(self, timeout: float = TIMEOUT) -> Completed:
        """
        Wait for the end.

        Raises:
            TimeoutError: Still running after `timeout` seconds; it is left running.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"expected the child to end within {timeout:g} s; it said: {self.output()}") from error
        return Completed(code, self._text("stdout"), self._text("stderr"), code == -signal.SIGKILL, self.fault_fired)

    def wait_fault_fired(self, timeout: float = TIMEOUT) -> None:
        """
        Wait until the fault has written its marker.

        Raises:
            TimeoutError: It has not, after `timeout` seconds or at the child's end.
        """
        wait_until(lambda: self.fault_fired or self.ended, self._missed, timeout)
        if not self.fault_fired:
            raise TimeoutError(self._missed())

    def wait_frozen(self, timeout: float = TIMEOUT) -> None:
        """
        Wait until the child is stopped (SIGSTOP), by its fault or by `freeze`.

        Raises:
            TimeoutError: It runs or has ended.
        """
        wait_until(lambda: self._stopped() or self.ended, self._missed, timeout)
        if not self._stopped():
            raise TimeoutError(self._missed())

    def _missed(self) -> str:
        return f"expected the fault to strike; it has not, exit code {self._process.poll()}; it said: {self.output()}"

    def _stopped(self) -> bool:
        """The state is the third field of /proc/PID/stat; the second, in parentheses, may hold blanks. See proc(5)."""
        stat = Path(f"/proc/{self.pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "T"

    def kill(self) -> None:
        """SIGKILL; harmless when it has ended."""
        self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open and it does nothing; harmless when it has ended."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT; harmless when it runs or has ended."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """No child outlives its block; its output goes with it."""
        self.kill()
        self._process.wait()
        self._folder.cleanup()
