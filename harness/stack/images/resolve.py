"""
Which image each service uses.

The official one where it is present, else a stand-in that is, else the official one pulled, else a stand-in built:
once for all runs of this machine, under a lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from harness.stack import compose
from harness.stack.errors import NoImage
from harness.stack.host.debian import say
from harness.stack.images.recipes import Recipe, recipe
from harness.stack.ownership import lock
from harness.stack.service import Service

if TYPE_CHECKING:
    from docker import DockerClient

BUILD_TIMEOUT = 3600.0  # seconds that another process may build: the bounds of its fetches, one after the other


class Images(Protocol):
    """The images of an engine. Must not build what can be pulled, nor pull what is there: `resolve` decides that."""

    def has(self, name: str) -> bool:
        """Whether the engine has it."""

    def pull(self, name: str) -> str:
        """Pull it; empty when it is there now, else why it is not. Must not hang."""

    def build(self, recipe: Recipe) -> None:
        """
        Build it.

        Raises:
            NoImage: Why that failed.
        """


def present(official: str, stand_in: Recipe, images: Images) -> str | None:
    """The image to use where none has to be fetched."""
    return next((name for name in (official, stand_in.tag) if images.has(name)), None)


def resolve(official: str, stand_in: Recipe, images: Images) -> str:
    """
    The image to use; fetches it where it has to.

    Raises:
        NoImage: Neither present, nor to be pulled, nor to be built; says why of both.
    """
    if name := present(official, stand_in, images):
        return name
    refused = images.pull(official)
    if not refused:
        return official
    say(f"{official} cannot be pulled: {refused}")
    try:
        images.build(stand_in)
    except NoImage as error:
        raise NoImage(
            expected=f"{official}, or a stand-in for it",
            found=f"it cannot be pulled, and `{stand_in.tag}` cannot be built: expected {error.expected}, "
            f"found {error.found}",
            evidence=f"the pull said: {refused}\nthe build said: {error.evidence}",
            next_step=f"docker pull {official}; or {error.next_step}",
        ) from error
    return stand_in.tag


def resolve_all(client: DockerClient) -> dict[Service, str]:
    """
    The image of every service; looks for those that are missing side by side.

    Raises:
        NoImage: The first that is not to be had.
    """
    from harness.stack.images.registry import EngineImages

    images = EngineImages(client)
    wanted = {service: (official, recipe(service)) for service, official in compose.images().items()}
    there = {service: present(*pair, images) for service, pair in wanted.items()}
    found = {service: name for service, name in there.items() if name}
    if len(found) == len(wanted):
        return found
    with lock.held("images", BUILD_TIMEOUT), ThreadPoolExecutor(len(wanted)) as pool:
        resolved: Mapping[Service, str] = dict(
            zip(wanted, pool.map(lambda pair: resolve(pair[0], pair[1], images), wanted.values()), strict=True)
        )
    return dict(resolved)
