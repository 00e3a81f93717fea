"""
Choose the image of each service.

In this order: the official image, present; a stand-in, present; the official image, pulled; a stand-in, built. A lock
makes sure that only one run on this machine pulls and builds at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from harness.stack import compose
from harness.stack.errors import NoImage
from harness.stack.host.debian import announce
from harness.stack.images.recipes import Recipe, recipe
from harness.stack.ownership import lock
from harness.stack.service import Service

if TYPE_CHECKING:
    from docker import DockerClient

LOCK_TIMEOUT = 3600.0  # seconds to wait for the builds of another process: the sum of the timeouts of its fetches


class Images(Protocol):
    """The images of an engine. Must not build in `pull`, nor pull in `build`: `resolve` chooses."""

    def has(self, name: str) -> bool:
        """Return whether the engine has the image."""

    def pull(self, name: str) -> str:
        """Pull the image; return the error, empty: the image is present now. Must not hang."""

    def build(self, recipe: Recipe) -> None:
        """
        Build the image of a recipe.

        Raises:
            NoImage: The build failed; the message says why.
        """


def present(official: str, stand_in: Recipe, images: Images) -> str | None:
    """Return the official image or the stand-in if it is present; None: neither is."""
    return next((name for name in (official, stand_in.tag) if images.has(name)), None)


def resolve(official: str, stand_in: Recipe, images: Images) -> str:
    """
    Return the image to use; pull or build it if it is not present.

    Raises:
        NoImage: The image is not present, and both the pull and the build failed; the message has both reasons.
    """
    if name := present(official, stand_in, images):
        return name
    pull_error = images.pull(official)
    if not pull_error:
        return official
    announce(f"{official} cannot be pulled: {pull_error}")
    try:
        images.build(stand_in)
    except NoImage as error:
        raise NoImage(
            expected=f"{official}, or a stand-in for it",
            found=f"the official image cannot be pulled, and the stand-in {stand_in.tag} cannot be built: "
            f"expected {error.expected}, found {error.found}",
            evidence=f"error of the pull: {pull_error}\nevidence of the build: {error.evidence}",
            next_step=f"pull the official image with `docker pull {official}`; or {error.next_step}",
        ) from error
    return stand_in.tag


def resolve_all(client: DockerClient) -> dict[Service, str]:
    """
    Return the image of every service; pull and build the missing ones in parallel.

    Raises:
        NoImage: An image can be neither pulled nor built; the first one in the order of the services.
    """
    from harness.stack.images.registry import EngineImages

    images = EngineImages(client)
    choices = {service: (official, recipe(service)) for service, official in compose.images().items()}
    found = {service: name for service, pair in choices.items() if (name := present(*pair, images))}
    if len(found) == len(choices):
        return found
    with lock.acquire("images", LOCK_TIMEOUT), ThreadPoolExecutor(len(choices)) as pool:
        names = pool.map(lambda pair: resolve(pair[0], pair[1], images), choices.values())
        return dict(zip(choices, names, strict=True))
