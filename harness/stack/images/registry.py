"""The images of the Docker engine."""

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

SILENCE = 20  # seconds
LONGEST_PULL = 600.0


class EngineImages:
    """
    Asks an engine, and pulls and builds on it.

    Args:
        client: The engine.
        silence: After so many seconds without a sign of progress a pull is given up: behind some firewalls it hangs.
    """

    def __init__(self, client: DockerClient, silence: int = SILENCE) -> None:
        self._client = client
        self._silence = silence
        self._builder = Builder(client)

    def has(self, name: str) -> bool:
        """Whether the engine has it."""
        try:
            self._client.images.get(name)
        except ImageNotFound:
            return False
        return True

    def pull(self, name: str) -> str:
        """Pull it; empty when it is there now, else why it is not."""
        deadline = time.monotonic() + LONGEST_PULL
        try:
            for line in self._progress(name):
                if "error" in line:
                    return str(line["error"])
                if time.monotonic() > deadline:
                    return f"still not here after {LONGEST_PULL:g} s"
        except requests.RequestException as error:
            return f"no sign of progress in {self._silence} s: {error}"
        return "" if self.has(name) else "the engine says that it pulled it, and has it not"

    def _progress(self, name: str) -> Iterator[dict[str, str]]:
        """What the engine says while it pulls. Its own client's `pull` waits for ever, so it is asked directly."""
        repository, _, tag = name.rpartition(":")
        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/images/create"
        asked = {"fromImage": repository, "tag": tag}
        with api.post(url, params=asked, stream=True, timeout=self._silence) as response:
            for line in response.iter_lines():
                said = json.loads(line)
                yield {"error": said["message"]} if response.status_code >= HTTPStatus.BAD_REQUEST else said

    def build(self, recipe: Recipe) -> None:
        """Build it, if there is room for it."""
        disk_space.require(self._client, disk_space.TO_BUILD)
        self._builder.build(recipe)
