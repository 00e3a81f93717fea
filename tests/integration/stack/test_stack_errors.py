"""What keeps a stack from standing is said in four parts, with what shows it, and nothing is left of the attempt."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from docker import DockerClient

from harness.stack.errors import NoImage, NoRoom, NotUp
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
    labels = Labels(session="bad-days")
    yield labels
    remove(client, f"{RUN}={labels.run}")


@pytest.fixture
def failing_debootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails, before any that is installed here or could be."""
    tool = tmp_path / "bin" / "debootstrap"
    tool.parent.mkdir()
    tool.write_text(FAILS)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_port_that_is_taken_meanwhile_is_replaced(client: DockerClient, labels: Labels) -> None:
    """Between the choice and the start another process may come first: four times, here."""
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
    """Waiting goes no further: the log says why."""
    images = resolve_all(client)
    images[Service.POSTGRES] = images[Service.MINIO]
    with pytest.raises(NotUp) as caught:
        launch(client, labels, images)
    words = str(caught.value)

    assert "found: ended with exit code" in words
    assert f"the last lines that {labels.name('postgres')} wrote:" in words
    assert "minio --help" in words


def test_a_disk_without_room_is_told_before_anything_starts(client: DockerClient) -> None:
    """It is the engine's disk that counts; nobody's has an exbibyte free."""
    with pytest.raises(NoRoom, match="GiB of room in"):
        disk_space.require(client, 2**60)


def test_a_pull_that_hangs_is_given_up(client: DockerClient) -> None:
    """Behind some firewalls nothing answers and nothing refuses: so does a registry that takes the call alone."""
    with socket.socket() as registry:
        registry.bind(("127.0.0.1", 0))
        registry.listen()
        host, port = registry.getsockname()
        refused = EngineImages(client, silence=1).pull(f"{host}:{port}/nothing:1")

    assert refused.startswith("no sign of progress in 1 s")


@pytest.mark.usefixtures("failing_debootstrap")
def test_an_image_that_can_neither_be_pulled_nor_built_says_why_of_both(client: DockerClient, tmp_path: Path) -> None:
    """The registry is not there, and neither is the release of Debian that the recipe asks for."""
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "recipe.toml").write_text('[debootstrap]\nsuite = "no-such-release"\n')
    with pytest.raises(NoImage) as caught:
        resolve(NOWHERE, Recipe(tmp_path / "recipe"), EngineImages(client))
    words = str(caught.value)

    assert f"expected: {NOWHERE}, or a stand-in for it" in words
    assert "the pull said: " in words
    assert "`debootstrap --variant=minbase no-such-release " in words
    assert "found exit code 3" in words
    assert "the build said: E: No such script: no-such-release" in words
    assert f"next: docker pull {NOWHERE}; or " in words
