from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from harness.stack import lifecycle
from harness.stack.errors import NoDiskSpace
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
    """Make an engine whose disk has this number of free bytes."""

    def make(free: int) -> DockerClient:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        info = {"DockerRootDir": str(tmp_path)}
        return cast("DockerClient", SimpleNamespace(info=lambda: info, close=lambda: None))

    return make


def test_too_little_free_space_is_an_error_in_four_parts() -> None:
    """A server without disk space would fail later, with an error that hides the cause."""
    with pytest.raises(NoDiskSpace) as caught:
        disk_space.check_free_space(Path("/var/lib/docker"), free=300 * 2**20, needed=disk_space.TO_START)

    assert str(caught.value).splitlines() == [
        "expected: 2.0 GiB of free space in /var/lib/docker",
        "found: 0.3 GiB of free space",
        "evidence: the disk of /var/lib/docker has 314572800 free bytes",
        (
            "next: remove kept stacks with `python -m harness.stack down`; "
            "list the other disk usage with `docker system df`"
        ),
    ]


def test_exactly_the_needed_space_is_enough() -> None:
    """The needed space is a lower bound, the bound included."""
    disk_space.check_free_space(Path("/var/lib/docker"), free=disk_space.TO_START, needed=disk_space.TO_START)


def test_a_stack_does_not_start_on_a_disk_that_is_nearly_full(free: Free, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check comes before the images, because a pull or a build would fill the disk."""
    client = free(disk_space.TO_START - 1)
    monkeypatch.setattr(engine, "running", lambda: client)
    monkeypatch.setattr(lifecycle, "sweep", lambda _: [])
    monkeypatch.setattr(resolve, "resolve_all", lambda _: pytest.fail("expected no image to be resolved"))

    with pytest.raises(NoDiskSpace, match=r"expected: 2\.0 GiB of free space"), lifecycle.running_stack("nearly-full"):
        pass


def test_a_stand_in_is_not_built_on_a_disk_that_is_nearly_full(free: Free, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that fails for lack of space has filled the disk for all other processes too."""
    built: list[object] = []
    monkeypatch.setattr(Builder, "build", lambda _, recipe: built.append(recipe))

    with pytest.raises(NoDiskSpace, match=r"expected: 6\.0 GiB of free space"):
        EngineImages(free(disk_space.TO_BUILD - 1)).build(recipe("minio"))
    assert built == []
    EngineImages(free(disk_space.TO_BUILD)).build(recipe("minio"))
    assert built == [recipe("minio")]
