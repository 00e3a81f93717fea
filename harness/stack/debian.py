"""Debian packages, where we may install them; it says what it installs before it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from harness.stack.errors import NoPackage

LAST_LINES = 15
WAIT_FOR_LOCK = "DPkg::Lock::Timeout=300"  # somebody else may be installing


def may_install() -> bool:
    """Whether this is a Debian (or a child of it), and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """
    Install packages and nothing that they merely recommend.

    Raises:
        NoPackage: apt-get failed; with its last lines.
    """
    say(f"installing the Debian packages {' '.join(packages)}")
    quiet = ["apt-get", "-qq", "-o", WAIT_FOR_LOCK]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([*quiet, "update"], [*quiet, "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(  # noqa: S603 - fixed words
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoPackage(
                expected=f"`{' '.join(command)}` to succeed",
                found=f"exit code {done.returncode}",
                evidence="\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:]) or "(no output)",
                next_step="mend what apt-get says, and try again",
            )


def say(text: str) -> None:
    """Tell the person what takes so long; standard error."""
    print(f"tidemark: {text}", file=sys.__stderr__, flush=True)
