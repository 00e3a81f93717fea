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

PASSES = "def test_it(stack): report(stack)\n"


@pytest.fixture
def folder(tmp_path: Path, client: DockerClient) -> Iterator[Path]:
    """A folder of tests; the stacks that its sessions kept are removed."""
    yield tmp_path
    remove(client, f"{KEPT}={tmp_path}")


def run_of(folder: Path, *options: str) -> str:
    """The run whose stack a session of that folder used."""
    with child(folder, PASSES, *options) as session:
        run = str(session.reported()["run"])
        output = session.finish()
    assert session.process.returncode == 0, output
    return run


def test_a_kept_stack_is_used_again_only_with_the_option(folder: Path, client: DockerClient) -> None:
    """A session without the option has new servers, and neither it nor a sweep removes the kept ones."""
    first = run_of(folder, "--keep-stack")
    sweep(client, f"{RUN}={first}")
    fresh = run_of(folder)
    again = run_of(folder, "--keep-stack")

    assert again == first
    assert fresh != first


def test_a_kept_stack_in_use_is_not_shared(folder: Path, client: DockerClient) -> None:
    """Two sessions at one time never share servers, and `down` removes none from a test."""
    run = run_of(folder, "--keep-stack")
    with ExitStack() as user, ExitStack() as other:
        reserved = reuse.reserve(run, user)
        taken = reuse.take(client, str(folder), {}, other)

    assert reserved
    assert taken is None


def test_a_kept_stack_that_is_broken_is_replaced(folder: Path, client: DockerClient) -> None:
    """A stack with a container that is missing, frozen or of another image is replaced by a new stack."""
    first = run_of(folder, "--keep-stack")
    client.containers.get(f"tidemark-{first}-{Service.MINIO}").remove(force=True, v=True)
    second = run_of(folder, "--keep-stack")

    assert second != first
    assert client.networks.list(filters={"label": f"{RUN}={first}"}) == []
