"""What is swept, and what never is; on containers that carry a label of this test's own making."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from docker import DockerClient

from harness.stack.images.resolve import resolve_all
from harness.stack.ownership.labels import Labels
from harness.stack.ownership.owner import me
from harness.stack.ownership.sweep import remove, sweep
from harness.stack.service import Service

DEAD = replace(me(), started="1")
ELSEWHERE = replace(me(), where="another-boot/pid:[1]")
Leave = Callable[..., Labels]


@pytest.fixture
def label() -> str:
    """A label that nothing else carries."""
    return f"tidemark.test={uuid.uuid4().hex}"


@pytest.fixture
def leave(client: DockerClient, label: str) -> Iterator[Leave]:
    """Leave a network and two containers behind, running or not, as a run with those labels would."""
    name, value = label.split("=")
    image = resolve_all(client)[Service.POSTGRES]

    def left(labels: Labels, *, running: bool = True) -> Labels:
        network = str(client.networks.create(labels.name(), labels={**labels.of(), name: value}).name)
        for service in ("one", "two"):
            container = client.containers.create(
                image,
                entrypoint=["sleep", "600"],
                name=labels.name(service),
                labels={**labels.of(service), name: value},
                network=network,
            )
            if running:
                container.start()
        return labels

    yield left
    remove(client, label)


def adapters(client: DockerClient, labels: Labels) -> int:
    """How many containers and networks of a run there are."""
    mine = {"label": f"tidemark.run={labels.run}"}
    return len(client.containers.list(all=True, filters=mine, ignore_removed=True)) + len(
        client.networks.list(filters=mine)
    )


@pytest.mark.parametrize("running", [True, False])
def test_a_dead_run_goes(client: DockerClient, label: str, leave: Leave, *, running: bool) -> None:
    """Its owner's number may be in use again: the time at which that one started is another."""
    labels = leave(Labels(session="sweep", owner=DEAD), running=running)
    sweep(client, label)

    assert adapters(client, labels) == 0


@pytest.mark.parametrize("running", [True, False])
def test_a_living_run_stays(client: DockerClient, label: str, leave: Leave, *, running: bool) -> None:
    """Also one whose containers are stopped: a test may just have stopped them."""
    labels = leave(Labels(session="sweep"), running=running)
    sweep(client, label)

    assert adapters(client, labels) == 3


def test_a_kept_run_stays(client: DockerClient, label: str, leave: Leave) -> None:
    """It is there to outlive its owner."""
    labels = leave(Labels(session="sweep", owner=DEAD, kept="/a/folder"))
    sweep(client, label)

    assert adapters(client, labels) == 3


@pytest.mark.parametrize(("running", "left"), [(True, 3), (False, 0)])
def test_a_run_from_elsewhere_goes_when_it_has_stopped(
    client: DockerClient, label: str, leave: Leave, *, running: bool, left: int
) -> None:
    """Its owner cannot be asked: after a boot nothing of it runs, and beside us something does."""
    labels = leave(Labels(session="sweep", owner=ELSEWHERE), running=running)
    sweep(client, label)

    assert adapters(client, labels) == left


def test_two_that_sweep_at_once_do_not_stumble(client: DockerClient, label: str, leave: Leave) -> None:
    """All workers of a session begin by sweeping, and find the same."""
    labels = leave(Labels(session="sweep", owner=DEAD))
    with ThreadPoolExecutor(4) as pool:
        for swept in [pool.submit(sweep, client, label) for _ in range(4)]:
            swept.result()

    assert adapters(client, labels) == 0
