"""Debian packages, where we may install them; it says what it installs before it does."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from harness.stack.errors import NoPackage
from harness.stack.host.command import run

WAIT_FOR_LOCK = "DPkg::Lock::Timeout=300"  # somebody else may be installing
LONGEST_INSTALL = 600.0  # seconds for each call of apt-get: the wait for the lock, and as long again to work


def may_install() -> bool:
    """Whether this is a Debian (or a child of it), and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """
    Install packages and nothing that they merely recommend.

    Raises:
        NoPackage: apt-get failed, or came to no end; with its last lines.
    """
    say(f"installing the Debian packages {' '.join(packages)}")
    quiet = ["apt-get", "-qq", "-o", WAIT_FOR_LOCK]
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        ending = run(command, {"DEBIAN_FRONTEND": "noninteractive"}, LONGEST_INSTALL)
        if ending.failure:
            raise NoPackage(
                expected=f"`{' '.join(command)}` to succeed",
                found=ending.failure,
                evidence=ending.said,
                next_step="mend what apt-get says, or let this machine reach Debian's packages: `apt-get update`; "
                "then try again",
            )


def say(text: str) -> None:
    """Tell the person what takes so long; standard error."""
    print(f"tidemark: {text}", file=sys.__stderr__, flush=True)
