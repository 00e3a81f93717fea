"""Remove the leftovers of runs: containers with their volumes, and networks, found by their labels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound

from harness.stack.ownership.labels import KEPT, OWNER, RUN, SESSION
from harness.stack.ownership.owner import Owner

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.networks import Network

CONFLICT = 409


def remove(client: DockerClient, label: str) -> list[str]:
    """Remove the containers, running or not, and networks with a label (`name=value`); return their names."""
    containers = _containers(client, label)
    for container in containers:
        _remove(container)
    networks = _networks(client, label)
    for network in networks:
        with suppress(NotFound):  # another process removed it
            network.remove()
    return [str(each.name) for each in containers] + [str(each.name) for each in networks]


def sweep(client: DockerClient, label: str = RUN) -> list[str]:
    """
    Remove the leftovers of dead runs; return the names of the removed containers and networks.

    Must not remove the containers and networks of a live run or of a kept stack.

    Args:
        client: A client of the engine to sweep.
        label: Only containers and networks with this label are checked.
    """
    runs: dict[str, list[Container | Network]] = {}
    resources: list[Container | Network] = [*_containers(client, label), *_networks(client, label)]
    for each in resources:
        runs.setdefault(_labels(each)[RUN], []).append(each)
    dead = [run for run, resources in runs.items() if _is_dead(resources)]
    return [name for run in dead for name in remove(client, f"{RUN}={run}")]


def remove_session(client: DockerClient, session: str) -> list[str]:
    """Remove the leftovers of a session that has ended, except kept stacks; return the names of the removed ones."""
    resources: list[Container | Network] = [
        *_containers(client, f"{SESSION}={session}"),
        *_networks(client, f"{SESSION}={session}"),
    ]
    runs = {_labels(each)[RUN] for each in resources if KEPT not in _labels(each)}
    return [name for run in runs for name in remove(client, f"{RUN}={run}")]


def _containers(client: DockerClient, label: str) -> list[Container]:
    return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)


def _networks(client: DockerClient, label: str) -> list[Network]:
    return client.networks.list(filters={"label": label})


def _labels(each: Container | Network) -> dict[str, str]:
    labels: dict[str, str] = each.attrs["Labels"] if "Labels" in each.attrs else each.attrs["Config"]["Labels"]
    return labels


def _is_dead(resources: Sequence[Container | Network]) -> bool:
    """
    Return whether a run is neither kept nor used by a live process.

    We cannot see a process of another boot or PID namespace: its run counts as dead if none of its containers runs.
    """
    labels = [_labels(each) for each in resources]
    if any(KEPT in each for each in labels):
        return False
    owner = Owner.parse(labels[0][OWNER])
    if owner.is_local():
        return not owner.is_alive()
    return not any(each.attrs.get("State", {}).get("Running", False) for each in resources)


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return  # another process removed it
    except APIError as error:
        if error.status_code != CONFLICT:
            raise
        with suppress(NotFound):  # another process is removing it; only then the network can be removed
            container.wait(condition="removed", timeout=60)
