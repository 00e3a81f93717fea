from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from harness.stack import lifecycle
from harness.stack.errors import NoRoom
from harness.stack.host import disk_space, engine
from harness.stack.images import resolve
from harness.stack.images.build import Builder
from harness.stack.images.recipes import recipe
from harness.stack.images.registry import EngineImages

if TYPE_CHECKING:
    from docker import DockerClient

Free = Callable[[int], "DockerClient"]


@pytest.fixture
def free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Free:
    """Makes an engine on whose disk so many bytes are free."""

    def made(free: int) -> DockerClient:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        info = {"DockerRootDir": str(tmp_path)}
        return cast("DockerClient", SimpleNamespace(info=lambda: info, close=lambda: None))

    return made


def test_a_disk_that_is_nearly_full_is_told_before_anything_starts() -> None:
    """A server that cannot write fails in ways that look like anything else."""
    with pytest.raises(NoRoom) as caught:
        disk_space.judge(Path("/var/lib/docker"), free=300 * 2**20, needed=disk_space.TO_START)

    assert str(caught.value).splitlines() == [
        "expected: 2.0 GiB of room in /var/lib/docker",
        "found: 0.3 GiB",
        "evidence: 314572800 bytes are free on the disk of /var/lib/docker",
        "next: python -m harness.stack down; docker system df shows what takes the rest",
    ]


def test_just_enough_is_enough() -> None:
    """The bound itself will do."""
    disk_space.judge(Path("/var/lib/docker"), free=disk_space.TO_START, needed=disk_space.TO_START)


def test_a_stack_is_not_begun_on_a_disk_that_is_nearly_full(free: Free, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even an image is looked for: fetching one would fill the disk."""
    client = free(disk_space.TO_START - 1)
    monkeypatch.setattr(engine, "running", lambda: client)
    monkeypatch.setattr(lifecycle, "sweep", lambda _: [])
    monkeypatch.setattr(resolve, "resolve_all", lambda _: pytest.fail("expected no image to be looked for"))

    with pytest.raises(NoRoom, match=r"expected: 2\.0 GiB of room"), lifecycle.running_stack("nearly-full"):
        pass


def test_a_stand_in_is_not_built_on_a_disk_that_is_nearly_full(free: Free, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that ends for want of room has filled the disk for everybody else."""
    built: list[object] = []
    monkeypatch.setattr(Builder, "build", lambda _, recipe: built.append(recipe))

    with pytest.raises(NoRoom, match=r"expected: 6\.0 GiB of room"):
        EngineImages(free(disk_space.TO_BUILD - 1)).build(recipe("minio"))
    assert built == []
    EngineImages(free(disk_space.TO_BUILD)).build(recipe("minio"))
    assert built == [recipe("minio")]
