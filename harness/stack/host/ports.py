"""
Choose host ports for containers; each is free when it is chosen.

Docker would choose a new port at each start or reconnection of a container, so we choose fixed ones. They are below
the range that the kernel uses for outgoing connections. Another process may still take a port before Docker binds it;
the caller then starts the container with another port.
"""

from __future__ import annotations

import secrets
import socket

LOWEST = 20_000
HIGHEST = 32_000


def is_free(port: int) -> bool:
    """Return whether no process listens on this port of the loopback address or of all addresses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Choose a free port at random, so that two runs at the same time rarely choose the same."""
    while True:
        port = secrets.choice(range(LOWEST, HIGHEST))
        if is_free(port):
            return port
