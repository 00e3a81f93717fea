"""Finds the Docker engine; where none answers, and we are root on Debian, installs and starts it, and says so."""

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

PATIENCE = 120.0
REQUEST = 120
START = 600.0  # somebody else may be installing it
PACKAGES = ("docker.io", "iptables", "ca-certificates")


class Machine(Protocol):
    """What may be done about an engine here. Must never start a second daemon: it takes the first one's socket away."""

    def silence(self) -> str:
        """Why no engine answers; empty when one does."""

    def may_start(self) -> bool:
        """Whether this machine's engine is ours to install and to start."""

    def has_daemon(self) -> bool:
        """Whether the engine is installed."""

    def install(self) -> None:
        """Install it."""

    def start(self) -> None:
        """
        Start it, or wait for the one that is starting; returns when it answers.

        Raises:
            NoEngine: It does not; with its last log lines.
        """


def ensure(machine: Machine) -> None:
    """
    Make sure that an engine answers.

    Raises:
        NoEngine: None does, and none is ours to start; or it does not come up.
    """
    if not machine.silence():
        return
    if not machine.may_start():
        raise no_engine(machine.silence())
    with lock.held("engine", START):
        if not machine.silence():
            return
        if not machine.has_daemon():
            machine.install()
        machine.start()


def no_engine(silence: str) -> NoEngine:
    """What to say where an engine is not ours to start."""
    refused = "ermission denied" in silence
    return NoEngine(
        expected="a Docker engine that answers",
        found="one that does not let this user in" if refused else "none, and none that is ours to start",
        evidence=silence,
        next_step=(
            "sudo usermod -aG docker $USER, and log in again"
            if refused
            else "install Docker and start it, on Debian by: sudo .venv/bin/python -m harness.stack engine; or set "
            "DOCKER_HOST to where one listens"
        ),
    )


def connect(timeout: int = REQUEST) -> DockerClient:
    """A client of the engine that Testcontainers uses too; each request may take so many seconds."""
    host = get_docker_host()
    environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
    return docker.from_env(timeout=timeout, environment=environment)


def running() -> DockerClient:
    """
    A client of an engine that answers; the caller closes it.

    Raises:
        NoEngine: There is none, and none can be started.
    """
    ensure(ThisMachine())
    return connect()


class ThisMachine:
    """The machine that we run on."""

    def silence(self) -> str:
        """Why no engine answers; empty when one does."""
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
        """Root on Debian, and nobody asked for an engine elsewhere."""
        return debian.may_install() and get_docker_host() is None

    def has_daemon(self) -> bool:
        """Whether `dockerd` is installed."""
        return daemon.is_installed()

    def install(self) -> None:
        """Install Debian's engine, and what it needs."""
        debian.install(PACKAGES)

    def start(self) -> None:
        """Start it by systemd where that is in charge, else by hand."""
        daemon.start(self.silence, PATIENCE)
