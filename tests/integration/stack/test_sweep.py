"""Which containers are swept and which never are; on containers with a label of this test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from docker import DockerClient

from harness.stack.images.resolve import resolve_all
from harness.stack.ownership.labels import Labels
from harness.stack.ownership.owner import this_process
from harness.stack.ownership.sweep import remove, sweep
from harness.stack.service import Service

DEAD = replace(this_process(), start_time="1")
ELSEWHERE = replace(this_process(), namespace="another-boot/pid:[1]")
Leave = Callable[..., Labels]


@pytest.fixture
def label() -> str:
    """A label that no other container has."""
    return f"tidemark.test={uuid.uuid4().hex}"


@pytest.fixture
def leave(client: DockerClient, label: str) -> Iterator[Leave]:
    """Create a network and two containers with labels of a run, running or not, and leave them."""
    name, value = label.split("=")
    image = resolve_all(client)[Service.POSTGRES]

    def left(labels: Labels, *, running: bool = True) -> Labels:
        network = str(client.networks.create(labels.name(), labels={**labels.as_dict(), name: value}).name)
        for service in ("one", "two"):
            container = client.containers.create(
                image,
                entrypoint=["sleep", "600"],
                name=labels.name(service),
                labels={**labels.as_dict(service), name: value},
                network=network,
            )
            if running:
                container.start()
        return labels

    yield left
    remove(client, label)


def count(client: DockerClient, labels: Labels) -> int:
    """The number of containers and networks of a run."""
    mine = {"label": f"tidemark.run={labels.run}"}
    return len(client.containers.list(all=True, filters=mine, ignore_removed=True)) + len(
        client.networks.list(filters=mine)
    )


@pytest.mark.parametrize("running", [True, False])
def test_the_containers_of_a_dead_run_are_removed(
    client: DockerClient, label: str, leave: Leave, *, running: bool
) -> None:
    """Its owner's process id may be in use again, but the start time differs."""
    labels = leave(Labels(session="sweep", owner=DEAD), running=running)
    sweep(client, label)

    assert count(client, labels) == 0


@pytest.mark.parametrize("running", [True, False])
def test_the_containers_of_a_running_owner_stay(
    client: DockerClient, label: str, leave: Leave, *, running: bool
) -> None:
    """Also stopped containers: a test may have stopped them."""
    labels = leave(Labels(session="sweep"), running=running)
    sweep(client, label)

    assert count(client, labels) == 3


def test_a_kept_run_stays(client: DockerClient, label: str, leave: Leave) -> None:
    """A kept stack is meant to stay after its owner has ended."""
    labels = leave(Labels(session="sweep", owner=DEAD, kept="/a/folder"))
    sweep(client, label)

    assert count(client, labels) == 3


@pytest.mark.parametrize(("running", "left"), [(True, 3), (False, 0)])
def test_a_run_of_another_boot_is_removed_when_it_has_stopped(
    client: DockerClient, label: str, leave: Leave, *, running: bool, left: int
) -> None:
    """Its owner cannot be found: after a boot its containers are stopped, in another namespace they run."""
    labels = leave(Labels(session="sweep", owner=ELSEWHERE), running=running)
    sweep(client, label)

    assert count(client, labels) == left


def test_several_sweeps_at_once_succeed(client: DockerClient, label: str, leave: Leave) -> None:
    """All workers of a session begin with a sweep, and find the same containers."""
    labels = leave(Labels(session="sweep", owner=DEAD))
    with ThreadPoolExecutor(4) as pool:
        for swept in [pool.submit(sweep, client, label) for _ in range(4)]:
            swept.result()

    assert count(client, labels) == 0
