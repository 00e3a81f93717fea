"""Debian packages, where we may install them; it says what it installs before it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

WAIT_FOR_LOCK = "DPkg::Lock::Timeout=300"  # somebody else may be installing


def may_install() -> bool:
    """Whether this is a Debian (or a child of it), and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """
    Install packages and nothing that they merely recommend.

    Raises:
        subprocess.CalledProcessError: apt-get failed; its output went to standard error.
    """
    say(f"installing the Debian packages {' '.join(packages)}")
    quiet = ["apt-get", "-qq", "-o", WAIT_FOR_LOCK]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(command, env=environment, stdout=sys.stderr, check=True)  # noqa: S603 - fixed words


def say(text: str) -> None:
    """Tell the person what takes so long; standard error."""
    print(f"tidemark: {text}", file=sys.__stderr__, flush=True)
