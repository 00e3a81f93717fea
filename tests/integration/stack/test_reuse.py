from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from docker import DockerClient

from harness.stack import reuse
from harness.stack.ownership.labels import KEPT, RUN
from harness.stack.ownership.sweep import remove, sweep
from harness.stack.service import Service
from tests.support.pytest_child import child

PASSES = "def test_it(stack): tell(stack)\n"


@pytest.fixture
def folder(tmp_path: Path, client: DockerClient) -> Iterator[Path]:
    """A folder of tests; what its sessions kept is removed."""
    yield tmp_path
    remove(client, f"{KEPT}={tmp_path}")


def run_of(folder: Path, *options: str) -> str:
    """The run whose stack a session of that folder used."""
    with child(folder, PASSES, *options) as session:
        run = str(session.told()["run"])
        output = session.finish()
    assert session.process.returncode == 0, output
    return run


def test_a_kept_stack_is_used_again_and_only_by_who_asks(folder: Path, client: DockerClient) -> None:
    """A session that does not ask has fresh servers, and neither it nor a sweep takes the kept ones away."""
    first = run_of(folder, "--keep-stack")
    sweep(client, f"{RUN}={first}")
    fresh = run_of(folder)
    again = run_of(folder, "--keep-stack")

    assert again == first
    assert fresh != first


def test_a_kept_stack_in_use_is_left_to_its_user(folder: Path, client: DockerClient) -> None:
    """Two sessions at one time never share servers, and `down` takes none away from a test."""
    run = run_of(folder, "--keep-stack")
    with ExitStack() as user, ExitStack() as other:
        reserved = reuse.reserve(run, user)
        taken = reuse.take(client, str(folder), {}, other)

    assert reserved
    assert taken is None


def test_a_kept_stack_that_is_broken_is_replaced(folder: Path, client: DockerClient) -> None:
    """A container that is gone, frozen or made from another image is not mended: the stack is made anew."""
    first = run_of(folder, "--keep-stack")
    client.containers.get(f"tidemark-{first}-{Service.MINIO}").remove(force=True, v=True)
    second = run_of(folder, "--keep-stack")

    assert second != first
    assert client.networks.list(filters={"label": f"{RUN}={first}"}) == []
