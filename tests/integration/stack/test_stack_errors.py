"""An error of a stack has four parts with its evidence, and nothing is left of the attempt."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from docker import DockerClient

from harness.stack.errors import NoDiskSpace, NoImage, NotUp
from harness.stack.host import disk_space
from harness.stack.host.ports import free_port
from harness.stack.images.recipes import Recipe
from harness.stack.images.registry import EngineImages
from harness.stack.images.resolve import resolve, resolve_all
from harness.stack.launch import launch
from harness.stack.ownership.labels import RUN, Labels
from harness.stack.ownership.sweep import remove
from harness.stack.service import Service

NOWHERE = "tidemark.invalid/nothing:1"
FAILS = """#!/bin/sh
echo "E: No such script: $2" >&2
exit 3
"""


@pytest.fixture
def labels(client: DockerClient) -> Iterator[Labels]:
    """A run whose containers are removed afterwards."""
    labels = Labels(session="errors")
    yield labels
    remove(client, f"{RUN}={labels.run}")


@pytest.fixture
def failing_debootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A debootstrap that fails, on the PATH before any other."""
    tool = tmp_path / "bin" / "debootstrap"
    tool.parent.mkdir()
    tool.write_text(FAILS)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_port_that_another_process_takes_is_replaced(client: DockerClient, labels: Labels) -> None:
    """Another process may take a port between its choice and the start of the container: four times, here."""
    with ExitStack() as others:
        taken = []
        for _ in range(4):
            server = others.enter_context(socket.socket())
            server.bind(("127.0.0.1", 0))
            server.listen()
            taken.append(server.getsockname()[1])
        offered = list(taken)
        stack = launch(client, labels, resolve_all(client), lambda: offered.pop() if offered else free_port())

    assert offered == []
    assert stack.clickhouse.port not in taken
    assert all(stack.container(service).answers() for service in Service)


def test_a_container_that_dies_at_its_start_shows_its_last_lines(client: DockerClient, labels: Labels) -> None:
    """The start ends at once, and the message has the end of the log."""
    images = resolve_all(client)
    images[Service.POSTGRES] = images[Service.MINIO]
    with pytest.raises(NotUp) as caught:
        launch(client, labels, images)
    message = str(caught.value)

    assert "found: the container ended with exit code" in message
    assert f"the last log lines of {labels.name('postgres')}:" in message
    assert "minio --help" in message


def test_a_disk_without_space_is_an_error_before_anything_starts(client: DockerClient) -> None:
    """The engine's disk is checked; no disk has an exbibyte of free space."""
    with pytest.raises(NoDiskSpace, match="GiB of free space in"):
        disk_space.require(client, 2**60)


def test_a_pull_that_hangs_ends(client: DockerClient) -> None:
    """Behind some firewalls no packet is answered or refused; a registry that only accepts connections is the same."""
    with socket.socket() as registry:
        registry.bind(("127.0.0.1", 0))
        registry.listen()
        host, port = registry.getsockname()
        refused = EngineImages(client, progress_timeout=1).pull(f"{host}:{port}/nothing:1")

    assert refused.startswith("no progress for 1 s")


@pytest.mark.usefixtures("failing_debootstrap")
def test_an_image_that_can_neither_be_pulled_nor_built_says_why_of_both(client: DockerClient, tmp_path: Path) -> None:
    """Neither the registry nor the Debian release of the recipe exists."""
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "recipe.toml").write_text('[debootstrap]\nsuite = "no-such-release"\n')
    with pytest.raises(NoImage) as caught:
        resolve(NOWHERE, Recipe(tmp_path / "recipe"), EngineImages(client))
    message = str(caught.value)

    assert f"expected: {NOWHERE}, or a stand-in for it" in message
    assert "error of the pull: " in message
    assert "`debootstrap --variant=minbase no-such-release " in message
    assert "exit code 3" in message
    assert "evidence of the build: E: No such script: no-such-release" in message
    assert f"next: pull the official image with `docker pull {NOWHERE}`; or " in message
