"""Removes what runs leave: containers with their volumes, and networks, found by label."""

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
    """Remove all that carries a label (`name=value`), running or not; returns the names of what was removed."""
    containers = _containers(client, label)
    for container in containers:
        _remove(container)
    networks = _networks(client, label)
    for network in networks:
        with suppress(NotFound):  # somebody else swept the same
            network.remove()
    return [str(each.name) for each in containers] + [str(each.name) for each in networks]


def sweep(client: DockerClient, label: str = RUN) -> list[str]:
    """
    Remove what dead runs left behind; never what a living one uses, nor what was kept on purpose.

    Args:
        client: The engine to sweep.
        label: Only what carries this label is looked at.
    """
    left: dict[str, list[Container | Network]] = {}
    parts: list[Container | Network] = [*_containers(client, label), *_networks(client, label)]
    for each in parts:
        left.setdefault(_labels(each)[RUN], []).append(each)
    dead = [run for run, parts in left.items() if _is_dead(parts)]
    return [name for run in dead for name in remove(client, f"{RUN}={run}")]


def remove_session(client: DockerClient, session: str) -> list[str]:
    """Remove what a session that has ended left behind, but for what it kept on purpose."""
    parts: list[Container | Network] = [
        *_containers(client, f"{SESSION}={session}"),
        *_networks(client, f"{SESSION}={session}"),
    ]
    runs = {_labels(part)[RUN] for part in parts if KEPT not in _labels(part)}
    return [name for run in runs for name in remove(client, f"{RUN}={run}")]


def _containers(client: DockerClient, label: str) -> list[Container]:
    return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)


def _networks(client: DockerClient, label: str) -> list[Network]:
    return client.networks.list(filters={"label": label})


def _labels(each: Container | Network) -> dict[str, str]:
    labels: dict[str, str] = each.attrs["Labels"] if "Labels" in each.attrs else each.attrs["Config"]["Labels"]
    return labels


def _is_dead(parts: Sequence[Container | Network]) -> bool:
    """
    Whether nobody can need a run any more.

    An owner of another boot or name space cannot be asked: its run is taken for dead when none of its containers runs.
    """
    labels = [_labels(part) for part in parts]
    if any(KEPT in each for each in labels):
        return False
    owner = Owner.parse(labels[0][OWNER])
    if owner.is_here():
        return not owner.is_alive()
    return not any(part.attrs.get("State", {}).get("Running", False) for part in parts)


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return  # somebody else swept the same
    except APIError as error:
        if error.status_code != CONFLICT:
            raise
        with suppress(NotFound):  # somebody else is removing it; the network goes only when that is done
            container.wait(condition="removed", timeout=60)
