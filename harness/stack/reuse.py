"""
Reuse of the stacks that `--keep-stack` left running.

The next session in the same folder with `--keep-stack` uses a kept stack that no other session uses. A session without
the option starts new servers of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.stack import compose
from harness.stack.errors import NotUp
from harness.stack.ownership import lock
from harness.stack.ownership.labels import KEPT, MADE_FROM, RUN
from harness.stack.ownership.sweep import remove
from harness.stack.service import Service
from harness.stack.stack import Stack

if TYPE_CHECKING:
    from docker import DockerClient

HEALTH_TIMEOUT = 30.0  # seconds per service


def reserve(run: str, locks: ExitStack) -> bool:
    """Reserve a run for this session while `locks` is open; return False if another session has it."""
    return locks.enter_context(lock.try_lock(f"run-{run}"))


def take(client: DockerClient, folder: str, images: Mapping[Service, str], locks: ExitStack) -> Stack | None:
    """Reserve an unused kept stack of a folder that is healthy and up to date; remove the other unused ones."""
    for run in _runs(client, f"{KEPT}={folder}"):
        if not reserve(run, locks):
            continue
        if stack := _usable(client, run, images):
            return stack
        remove(client, f"{RUN}={run}")
    return None


def remove_unused(client: DockerClient) -> list[str]:
    """Remove the kept stacks that no session uses; return the names of the removed containers and networks."""
    removed: list[str] = []
    for run in _runs(client, KEPT):
        with ExitStack() as locks:
            if reserve(run, locks):
                removed += remove(client, f"{RUN}={run}")
    return removed


def _runs(client: DockerClient, label: str) -> list[str]:
    networks = client.networks.list(filters={"label": label})
    return sorted({network.attrs["Labels"][RUN] for network in networks})


def _usable(client: DockerClient, run: str, images: Mapping[Service, str]) -> Stack | None:
    up_to_date: dict[str, str | list[str] | bool] = {"label": [f"{RUN}={run}", f"{MADE_FROM}={compose.digest()}"]}
    if len(client.containers.list(filters=up_to_date)) != len(Service):
        return None
    stack = Stack(client, run)
    if any(stack.container(service).image != image for service, image in images.items()):
        return None
    try:
        for service in Service:
            stack.wait_healthy(service, HEALTH_TIMEOUT)
    except NotUp:
        return None
    return stack
