from __future__ import annotations

import socket
from pathlib import Path

from harness.stack.host import ports


def test_a_port_with_a_listening_process_is_not_free() -> None:
    """A listener on the loopback address alone counts too."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        assert not ports.is_free(server.getsockname()[1])


def test_ports_are_below_the_range_of_outgoing_connections() -> None:
    """Otherwise the kernel could give the port of a stopped container to an outgoing connection."""
    lowest, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert ports.LOWEST <= ports.free_port() < ports.HIGHEST <= int(lowest)
