"""
Start the Docker daemon, even if the previous one was killed together with all its child processes.

A killed daemon leaves files behind that keep the next one from starting. (1) PID files of dockerd and its containerd:
once the ids belong to other processes, the next dockerd refuses to start or waits for a containerd that does not exist.
(2) The socket of a system containerd: dockerd prefers it to a containerd of its own, even if no process listens on it.
dockerd itself cleans up all other leftovers: mounts, bridges, containers that it recorded as running.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from harness.stack.errors import NoEngine
from harness.stack.host.debian import announce
from harness.waiting import wait_until

PROC = Path("/proc")
LOG = Path("/var/log/tidemark-dockerd.log")
PID_FILES: Mapping[Path, str] = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}
SYSTEM_CONTAINERD = Path("/run/containerd/containerd.sock")
SYSTEMD = Path("/run/systemd/system")
FAILED = "failed to start daemon"
LAST_LINES = 15


def is_installed() -> bool:
    """Return whether `dockerd` is installed."""
    return shutil.which("dockerd") is not None


def start(connection_error: Callable[[], str], timeout: float) -> None:
    """
    Start the daemon, unless one is starting already; return when it answers.

    Args:
        connection_error: Returns why the engine does not answer; empty: it answers.
        timeout: Seconds.

    Raises:
        NoEngine: The daemon did not answer in time; the message has the last lines of its log.
    """
    if SYSTEMD.exists():
        announce("starting the Docker engine: systemctl start docker")
        subprocess.run(["systemctl", "start", "docker"], check=False)  # noqa: S607 - found on the PATH, its success is checked below
    elif not is_alive("dockerd"):
        remove_stale_files()
        announce(f"starting the Docker engine: dockerd, with its log in {LOG}")
        with LOG.open("w") as log:
            # In a session of its own the daemon outlives this process, and a reader of our output does not wait for it.
            command = ["setsid", "--fork", "dockerd"]
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)  # noqa: S603
    _wait(connection_error, timeout)


def remove_stale_files(pid_files: Mapping[Path, str] = PID_FILES, system_containerd: Path = SYSTEM_CONTAINERD) -> None:
    """
    Remove the files of a killed daemon that would keep the next one from starting.

    Args:
        pid_files: PID files, each with the name that its process must have; a file of another process is removed.
        system_containerd: The socket of a system containerd; it is removed if no process listens on it.
    """
    for path, name in pid_files.items():
        if path.exists() and not _is(path.read_text().strip(), name):
            path.unlink()
    if system_containerd.exists() and not _listens(system_containerd):
        system_containerd.unlink()


def is_alive(name: str) -> bool:
    """Return whether a process with this name runs in our own PID namespace, so not in a container."""
    return any(_is(path.name, name) for path in PROC.iterdir() if path.name.isdigit())


def _is(pid: str, name: str) -> bool:
    if not pid.isdigit():
        return False
    process = PROC / pid
    try:
        if (process / "comm").read_text().strip() != name:
            return False
        alive = (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        return alive and (process / "ns/pid").readlink() == (PROC / "self/ns/pid").readlink()
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return False  # it has ended meanwhile


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _wait(connection_error: Callable[[], str], timeout: float) -> None:
    with suppress(TimeoutError):  # raised below, together with the log
        wait_until(lambda: not connection_error() or FAILED in _log(), lambda: "", timeout)
    if reason := connection_error():
        raise NoEngine(
            expected="the Docker engine to answer after its start",
            found=reason,
            evidence="the last lines of the daemon's log:\n" + "\n".join(_log().splitlines()[-LAST_LINES:]),
            next_step=f"fix the error in the log: `less {LOG}`, or `journalctl -u docker` where systemd started it",
        )


def _log() -> str:
    return LOG.read_text(errors="replace") if LOG.exists() else ""
