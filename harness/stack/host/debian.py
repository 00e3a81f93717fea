"""Install Debian packages as root; a line on standard error names them first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from harness.stack.errors import NoPackage
from harness.stack.host.command import run

WAIT_FOR_LOCK = "DPkg::Lock::Timeout=300"  # another process may be installing
INSTALL_TIMEOUT = 600.0  # seconds for each call of apt-get: 300 s for the lock, 300 s for the work


def may_install() -> bool:
    """Return whether we are root on Debian or on a distribution based on it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """
    Install packages without the packages that they only recommend.

    Raises:
        NoPackage: apt-get failed or timed out; the message has the last lines of its output.
    """
    announce(f"installing the Debian packages {' '.join(packages)}")
    quiet = ["apt-get", "-qq", "-o", WAIT_FOR_LOCK]
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        result = run(command, {"DEBIAN_FRONTEND": "noninteractive"}, INSTALL_TIMEOUT)
        if result.failure:
            raise NoPackage(
                expected=f"`{' '.join(command)}` to succeed",
                found=result.failure,
                evidence=result.output,
                next_step="fix the error of apt-get, or make a Debian package mirror reachable from this machine; "
                "check with `apt-get update`, then run `make images`",
            )


def announce(text: str) -> None:
    """Print a line on standard error before a step that takes long."""
    print(f"tidemark: {text}", file=sys.__stderr__, flush=True)
