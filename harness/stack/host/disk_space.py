"""Check the free disk space of the engine: a server without space fails with errors that hide the cause."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.stack.errors import NoDiskSpace

if TYPE_CHECKING:
    from docker import DockerClient

GIB = 2**30
TO_START = 2 * GIB
TO_BUILD = 6 * GIB


def require(client: DockerClient, needed: int) -> None:
    """
    Check that `needed` bytes are free where the engine stores its images and containers.

    The disk of an engine on another machine, or in a virtual machine, is not visible and is not checked.

    Raises:
        NoDiskSpace: Fewer bytes are free.
    """
    folder = Path(client.info()["DockerRootDir"])
    if folder.exists():
        check_free_space(folder, shutil.disk_usage(folder).free, needed)


def check_free_space(folder: Path, free: int, needed: int) -> None:
    """
    Check that the free space of a folder's disk is at least the needed space, both in bytes.

    Raises:
        NoDiskSpace: Fewer bytes are free.
    """
    if free < needed:
        raise NoDiskSpace(
            expected=f"{needed / GIB:.1f} GiB of free space in {folder}",
            found=f"{free / GIB:.1f} GiB of free space",
            evidence=f"the disk of {folder} has {free} free bytes",
            next_step="remove kept stacks with `python -m harness.stack down`; "
            "list the other disk usage with `docker system df`",
        )
