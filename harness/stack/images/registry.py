"""The images of the Docker engine: check, pull and build them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
from docker.errors import ImageNotFound

from harness.stack.host import disk_space
from harness.stack.images.build import Builder

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.stack.images.recipes import Recipe

PROGRESS_TIMEOUT = 20  # seconds
PULL_TIMEOUT = 600.0  # seconds


class EngineImages:
    """
    The images of one Docker engine.

    Args:
        client: A client of the engine.
        progress_timeout: Seconds without progress after which a pull fails; behind some firewalls it would hang.
    """

    def __init__(self, client: DockerClient, progress_timeout: int = PROGRESS_TIMEOUT) -> None:
        self._client = client
        self._progress_timeout = progress_timeout
        self._builder = Builder(client)

    def has(self, name: str) -> bool:
        """Return whether the engine has the image."""
        try:
            self._client.images.get(name)
        except ImageNotFound:
            return False
        return True

    def pull(self, name: str) -> str:
        """Pull the image; return the error, empty: the image is present now."""
        deadline = time.monotonic() + PULL_TIMEOUT
        try:
            for line in self._progress(name):
                if "error" in line:
                    return str(line["error"])
                if time.monotonic() > deadline:
                    return f"the pull was still running after {PULL_TIMEOUT:g} s"
        except requests.RequestException as error:
            return f"no progress for {self._progress_timeout} s: {error}"
        return "" if self.has(name) else "the engine reported success, but does not have the image"

    def _progress(self, name: str) -> Iterator[dict[str, str]]:
        """The progress messages of a pull, by a request of our own: `pull` of docker-py may wait forever."""
        repository, _, tag = name.rpartition(":")
        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/images/create"
        parameters = {"fromImage": repository, "tag": tag}
        with api.post(url, params=parameters, stream=True, timeout=self._progress_timeout) as response:
            for line in response.iter_lines():
                message = json.loads(line)
                yield {"error": message["message"]} if response.status_code >= HTTPStatus.BAD_REQUEST else message

    def build(self, recipe: Recipe) -> None:
        """Build the image of a recipe, after a check of the free disk space."""
        disk_space.require(self._client, disk_space.TO_BUILD)
        self._builder.build(recipe)
