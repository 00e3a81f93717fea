from __future__ import annotations

import socket
from pathlib import Path

from harness.stack.host import ports


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    """Whether on the loopback address or on all."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        assert not ports.is_free(server.getsockname()[1])


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    """Else the kernel could give a container's port to a client while the container is stopped."""
    lowest, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert ports.LOWEST <= ports.free_port() < ports.HIGHEST <= int(lowest)
