"""
Commands for the engine, the images and the containers of the stack: `python -m harness.stack COMMAND`.

    engine   find the Docker engine; as root on Debian, install and start it if there is none
    images   find, pull or build the image of every service
    down     remove the kept stacks and the leftovers of dead runs
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from harness.stack import reuse
from harness.stack.errors import StackError
from harness.stack.host import engine
from harness.stack.images import resolve
from harness.stack.ownership.sweep import sweep

if TYPE_CHECKING:
    from docker import DockerClient

UNAVAILABLE = 69
USAGE = 64


def _engine(client: DockerClient) -> list[str]:
    return [f"Docker engine {client.version()['Version']} answers"]


def _images(client: DockerClient) -> list[str]:
    return [f"{service}: {image}" for service, image in resolve.resolve_all(client).items()]


def _down(client: DockerClient) -> list[str]:
    return [f"removed {name}" for name in (*reuse.remove_unused(client), *sweep(client))]


COMMANDS: dict[str, Callable[[DockerClient], list[str]]] = {"engine": _engine, "images": _images, "down": _down}


def main(words: Sequence[str]) -> int:
    """Run the command that is the only word in `words`; return the exit code."""
    if len(words) != 1 or words[0] not in COMMANDS:
        sys.stderr.write(f"{__doc__}")
        return USAGE
    try:
        with closing(engine.running()) as client:
            sys.stdout.writelines(f"{line}\n" for line in COMMANDS[words[0]](client))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
