"""Find the Docker engine; if none answers and we are root on Debian, announce, install and start one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import docker
from docker.errors import DockerException
from testcontainers.core.docker_client import get_docker_host

from harness.stack.errors import NoEngine
from harness.stack.host import daemon, debian
from harness.stack.ownership import lock

if TYPE_CHECKING:
    from docker import DockerClient

START_TIMEOUT = 120.0
REQUEST_TIMEOUT = 120
LOCK_TIMEOUT = 600.0  # another process may be installing the engine
PACKAGES = ("docker.io", "iptables", "ca-certificates")


class Machine(Protocol):
    """A machine with or without an engine. Must never start a second daemon: it replaces the first one's socket."""

    def connection_error(self) -> str:
        """Return why no engine answers; empty: an engine answers."""

    def may_start(self) -> bool:
        """Return whether we may install and start the engine of this machine."""

    def has_daemon(self) -> bool:
        """Return whether the engine is installed."""

    def install(self) -> None:
        """Install the engine."""

    def start(self) -> None:
        """
        Start the engine, or wait for one that is starting; return when it answers.

        Raises:
            NoEngine: It did not answer in time; the message has its last log lines.
        """


def ensure(machine: Machine) -> None:
    """
    Make sure that an engine answers; install and start one if we may.

    Raises:
        NoEngine: No engine answers, and we may not start one, or it did not start.
    """
    if not machine.connection_error():
        return
    if not machine.may_start():
        raise no_engine(machine.connection_error())
    with lock.acquire("engine", LOCK_TIMEOUT):
        if not machine.connection_error():
            return
        if not machine.has_daemon():
            machine.install()
        machine.start()


def no_engine(connection_error: str) -> NoEngine:
    """The error to raise if no engine answers and we may not start one."""
    no_permission = "ermission denied" in connection_error
    return NoEngine(
        expected="a Docker engine that answers",
        found="an engine that this user has no permission to use"
        if no_permission
        else "none, and the harness starts one only as root on Debian with DOCKER_HOST unset",
        evidence=connection_error,
        next_step=(
            "run `sudo usermod -aG docker $USER`, then log in again"
            if no_permission
            else "install Docker and start it, on Debian with `sudo .venv/bin/python -m harness.stack engine`; or set "
            "DOCKER_HOST to the address of a running engine"
        ),
    )


def connect(timeout: int = REQUEST_TIMEOUT) -> DockerClient:
    """Connect to the engine that Testcontainers uses too; `timeout` is in seconds per request."""
    host = get_docker_host()
    environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
    return docker.from_env(timeout=timeout, environment=environment)


def running() -> DockerClient:
    """
    Connect to an engine that answers; start one if needed. The caller closes the client.

    Raises:
        NoEngine: No engine answers, and none can be started.
    """
    ensure(ThisMachine())
    return connect()


class ThisMachine:
    """The machine of this process."""

    def connection_error(self) -> str:
        """Return why no engine answers; empty: an engine answers."""
        try:
            client = connect(timeout=10)
        except DockerException as error:
            return str(error)
        try:
            client.ping()
        except DockerException as error:
            return str(error)
        finally:
            client.close()
        return ""

    def may_start(self) -> bool:
        """Return whether we are root on Debian and no setting, such as DOCKER_HOST, names an engine."""
        return debian.may_install() and get_docker_host() is None

    def has_daemon(self) -> bool:
        """Return whether `dockerd` is installed."""
        return daemon.is_installed()

    def install(self) -> None:
        """Install the engine and its requirements from Debian packages."""
        debian.install(PACKAGES)

    def start(self) -> None:
        """Start the engine with systemd if systemd runs, otherwise as a process of its own."""
        daemon.start(self.connection_error, START_TIMEOUT)
