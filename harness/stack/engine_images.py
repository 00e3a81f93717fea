"""The images of the Docker engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from harness.stack import room
from harness.stack.building import Builder
from harness.stack.engine import connect

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.stack.recipes import Recipe

SILENCE = 20  # seconds
LONGEST_PULL = 600.0


class EngineImages:
    """Asks an engine, and pulls and builds on it."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._builder = Builder(client)

    def has(self, name: str) -> bool:
        """Whether the engine has it."""
        try:
            self._client.images.get(name)
        except ImageNotFound:
            return False
        return True

    def pull(self, name: str) -> str:
        """Pull it; gives up after 20 s without a sign of progress: behind some firewalls a pull hangs."""
        client = connect(timeout=SILENCE)
        deadline = time.monotonic() + LONGEST_PULL
        try:
            for line in client.api.pull(name, stream=True, decode=True):
                if "error" in line:
                    return str(line["error"])
                if time.monotonic() > deadline:
                    return f"still not here after {LONGEST_PULL:g} s"
        except APIError as error:
            return str(error.explanation)
        except (requests.RequestException, DockerException) as error:
            return f"no sign of progress in {SILENCE} s: {error}"
        finally:
            client.close()
        return "" if self.has(name) else "the engine says that it pulled it, and has it not"

    def build(self, recipe: Recipe) -> None:
        """Build it, if there is room for it."""
        room.require(self._client, room.TO_BUILD)
        self._builder.build(recipe)
