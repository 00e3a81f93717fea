"""
Fixed ports of this host, free when they are chosen.

A port that Docker chooses changes whenever its container is started or connected anew, so ours are fixed. They lie
below the range from which the kernel takes the ports of outgoing connections. Another process may still take one
before Docker binds it; whoever starts the container then tries again with others.
"""

from __future__ import annotations

import secrets
import socket

LOWEST = 20_000
HIGHEST = 32_000


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of the loopback address or of all addresses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port, at random, so that two runs at one time rarely want the same."""
    while True:
        port = secrets.choice(range(LOWEST, HIGHEST))
        if is_free(port):
            return port
