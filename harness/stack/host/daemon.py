"""
Starts the Docker daemon, also where the last one was killed with everything that it had started.

What stays behind then: files with the process numbers of dockerd and of its containerd, which make the next dockerd
refuse to start, or wait for a containerd that is gone, once the numbers belong to others; and the socket of a
system's containerd, which it would rather use than start its own. The rest it tidies up by itself: mounts, bridges,
containers that are said to run.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from harness.stack.errors import NoEngine
from harness.stack.host.debian import say
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
    """Whether there is a daemon to start."""
    return shutil.which("dockerd") is not None


def start(silence: Callable[[], str], timeout: float) -> None:
    """
    Start the daemon, unless one is starting already; returns when it answers.

    Args:
        silence: Says why the engine does not answer; empty when it does.
        timeout: Seconds.

    Raises:
        NoEngine: It does not answer; with the last lines of its log.
    """
    if SYSTEMD.exists():
        say("starting the Docker engine: systemctl start docker")
        subprocess.run(["systemctl", "start", "docker"], check=False)  # noqa: S607 - found by the PATH, judged below
    elif not is_alive("dockerd"):
        tidy()
        say(f"starting the Docker engine: dockerd, which writes to {LOG}")
        with LOG.open("w") as log:
            # A session of its own: it outlives this one, and whoever waits for our output does not wait for it.
            command = ["setsid", "--fork", "dockerd"]
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)  # noqa: S603
    _wait(silence, timeout)


def tidy(pid_files: Mapping[Path, str] = PID_FILES, system_containerd: Path = SYSTEM_CONTAINERD) -> None:
    """
    Remove what a daemon that was killed left, and what would keep the next one from starting.

    Args:
        pid_files: Files that hold the number of a process, and the name that the process must have.
        system_containerd: The socket of a containerd that is not the daemon's own.
    """
    for path, name in pid_files.items():
        if path.exists() and not _is(path.read_text().strip(), name):
            path.unlink()
    if system_containerd.exists() and not _listens(system_containerd):
        system_containerd.unlink()


def is_alive(name: str) -> bool:
    """Whether a process of that name lives in our own name space, so not in a container."""
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
        return False  # it ended while we looked


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _wait(silence: Callable[[], str], timeout: float) -> None:
    with suppress(TimeoutError):  # said below, with what the daemon wrote
        wait_until(lambda: not silence() or FAILED in _log(), lambda: "", timeout)
    if reason := silence():
        raise NoEngine(
            expected="the Docker engine to answer after its start",
            found=reason,
            evidence="the last lines of its log:\n" + "\n".join(_log().splitlines()[-LAST_LINES:]),
            next_step=f"mend what the log says: {LOG}, or journalctl -u docker",
        )


def _log() -> str:
    return LOG.read_text(errors="replace") if LOG.exists() else ""
