"""Room on the engine's disk: a server that cannot write fails in ways that look like anything else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.stack.errors import NoRoom

if TYPE_CHECKING:
    from docker import DockerClient

GIB = 2**30
TO_START = 2 * GIB
TO_BUILD = 6 * GIB


def require(client: DockerClient, needed: int) -> None:
    """
    Make sure that so many bytes are free where the engine keeps its images and containers.

    An engine on another machine, or in a virtual one, cannot be asked; there the server's own message must do.

    Raises:
        NoRoom: There are fewer.
    """
    folder = Path(client.info()["DockerRootDir"])
    if folder.exists():
        judge(folder, shutil.disk_usage(folder).free, needed)


def judge(folder: Path, free: int, needed: int) -> None:
    """
    Compare what is free with what is needed, both in bytes.

    Raises:
        NoRoom: It is too little.
    """
    if free < needed:
        raise NoRoom(
            expected=f"{needed / GIB:.1f} GiB of room in {folder}",
            found=f"{free / GIB:.1f} GiB",
            evidence=f"{free} bytes are free on the disk of {folder}",
            next_step="python -m harness.stack down; docker system df shows what takes the rest",
        )
