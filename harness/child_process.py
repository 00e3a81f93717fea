"""A child process: its launcher, its output in files, its signals and its end."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, Self

from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


TIMEOUT = 120.0


class Process(Protocol):
    """
    A process that a launcher has started: the part of `subprocess.Popen` that `ChildProcess` uses.

    It must not send a signal to any other process, and not raise for a process that has ended.
    """

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal; None: the process is running."""

    def wait(self, timeout: float | None = None) -> int:
        """
        Wait for the end and return the exit code, or minus the signal.

        Raises:
            subprocess.TimeoutExpired: The process is still running after `timeout` seconds.
        """

    def kill(self) -> None:
        """Send SIGKILL."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal."""


class Launcher(Protocol):
    """Starts a process. It must not wait for the process, and not pass on variables that are not in `env`."""

    def __call__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, stdout: Path, stderr: Path
    ) -> Process:
        """
        Start a command with nothing on stdin.

        Args:
            command: The program and its arguments.
            env: The whole environment of the process.
            cwd: Its working folder; None: the caller's.
            stdout: File for its stdout, created here.
            stderr: File for its stderr, created here.
        """


def subprocess_launcher(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, stdout: Path, stderr: Path
) -> Process:
    """Start a new process; the arguments are those of `Launcher`."""
    with stdout.open("wb") as out, stderr.open("wb") as err:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )


@dataclass(frozen=True)
class Completed:
    """
    A child process that has ended.

    Attributes:
        returncode: Exit code, or minus the signal that ended it.
        stdout: The whole text.
        stderr: The whole text.
        killed: True if SIGKILL ended it.
        fault_fired: True if its fault fired, which its marker file shows; False if it had no fault.
    """

    returncode: int
    stdout: str
    stderr: str
    killed: bool
    fault_fired: bool


class ChildProcess:
    """A child process that has been started; signals go to its pid alone."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path | None,
        folder: TemporaryDirectory[str],
        launcher: Launcher = subprocess_launcher,
    ) -> None:
        self._folder = folder
        self._here = Path(folder.name)
        # Files, not pipes: a child whose output is not read must not stop at a full pipe.
        self._process = launcher(command, env=env, cwd=cwd, stdout=self._here / "stdout", stderr=self._here / "stderr")

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def fault_fired(self) -> bool:
        """True if its fault fired, which its marker file shows."""
        return (self._here / "marker").exists()

    @property
    def ended(self) -> bool:
        """True if it is no longer running."""
        return self._process.poll() is not None

    def output(self) -> str:
        """The last 4,000 characters of its output so far, for messages."""
        return (self._text("stdout") + self._text("stderr"))[-4000:]

    def _text(self, name: str) -> str:
        return (self._here / name).read_text(errors="replace")

    def wait(self, timeout: float = TIMEOUT) -> Completed:
        """
        Wait for the end.

        Raises:
            TimeoutError: It is still running after `timeout` seconds; it goes on.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(
                f"expected the child to end within {timeout:g} s; found it running; output: {self.output()}"
            ) from error
        return Completed(code, self._text("stdout"), self._text("stderr"), code == -signal.SIGKILL, self.fault_fired)

    def wait_fault_fired(self, timeout: float = TIMEOUT) -> None:
        """
        Wait until the fault has fired.

        Raises:
            TimeoutError: The fault has not fired after `timeout` seconds, or the child has ended without it.
        """
        wait_until(lambda: self.fault_fired or self.ended, self._missed, timeout)
        if not self.fault_fired:
            raise TimeoutError(self._missed())

    def wait_frozen(self, timeout: float = TIMEOUT) -> None:
        """
        Wait until the child is stopped by SIGSTOP, from its fault or from `freeze`.

        Raises:
            TimeoutError: It is still running after `timeout` seconds, or has ended.
        """
        wait_until(lambda: self._stopped() or self.ended, self._missed, timeout)
        if not self._stopped():
            raise TimeoutError(self._missed())

    def _missed(self) -> str:
        return f"expected the fault to fire; found exit code {self._process.poll()}; output: {self.output()}"

    def _stopped(self) -> bool:
        """The state is the third field of /proc/PID/stat; the second, in parentheses, may have blanks. See proc(5)."""
        stat = Path(f"/proc/{self.pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "T"

    def kill(self) -> None:
        """Send SIGKILL; no effect on a child that has ended."""
        self._process.kill()

    def freeze(self) -> None:
        """Send SIGSTOP: its connections stay open and it does nothing; no effect on a child that has ended."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Send SIGCONT; no effect on a child that is running or has ended."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the child at the end of its block, and delete its output."""
        self.kill()
        self._process.wait()
        self._folder.cleanup()
