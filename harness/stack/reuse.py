"""
Stacks that `--keep-stack` left up.

The next session of the same folder that says so too uses one that is free, and no two use the same. A session that does
not say so has servers of its own, and fresh ones.
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

PATIENCE = 30.0


def reserve(run: str, locks: ExitStack) -> bool:
    """Take a run for ourselves for as long as `locks` is open; False where another session has it."""
    return locks.enter_context(lock.try_lock(f"run-{run}"))


def take(client: DockerClient, folder: str, images: Mapping[Service, str], locks: ExitStack) -> Stack | None:
    """A folder's kept stack that nobody uses, healthy and made as it would be now; the others are removed."""
    for run in _runs(client, f"{KEPT}={folder}"):
        if not reserve(run, locks):
            continue
        if stack := _usable(client, run, images):
            return stack
        remove(client, f"{RUN}={run}")
    return None


def remove_free(client: DockerClient) -> list[str]:
    """Remove the kept stacks that nobody uses; returns the names of what was removed."""
    removed: list[str] = []
    for run in _runs(client, KEPT):
        with ExitStack() as locks:
            if reserve(run, locks):
                removed += remove(client, f"{RUN}={run}")
    return removed


def _runs(client: DockerClient, label: str) -> list[str]:
    parts = client.networks.list(filters={"label": label})
    return sorted({part.attrs["Labels"][RUN] for part in parts})


def _usable(client: DockerClient, run: str, images: Mapping[Service, str]) -> Stack | None:
    made_now: dict[str, str | list[str] | bool] = {"label": [f"{RUN}={run}", f"{MADE_FROM}={compose.digest()}"]}
    if len(client.containers.list(filters=made_now)) != len(Service):
        return None
    stack = Stack(client, run)
    if any(stack.container(service).image != image for service, image in images.items()):
        return None
    try:
        for service in Service:
            stack.wait_healthy(service, PATIENCE)
    except NotUp:
        return None
    return stack
