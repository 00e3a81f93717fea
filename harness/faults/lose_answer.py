"""
The answer to a COMMIT that is lost: the catalog has changed, and the client gets no answer.

A proxy in front of Postgres forwards everything. PostgreSQL documentation, "Message Formats": statements are sent as
plain text, and CommandComplete ("C", length, tag) ends each; TLS would encrypt both, so the proxy works without TLS.
"""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.stack.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.stack.stack import Stack

POINTER_MOVED = b"UPDATE iceberg_tables"
COMMIT = b"COMMIT\0"
COMMITTED = b"C\0\0\0\x0bCOMMIT\0"


@dataclass
class Proxy:
    """
    Forwards every connection to the database, and loses one answer when it is armed.

    Attributes:
        dial: Opens a connection to the database.
        armed: The next COMMIT after a change of the metadata pointer loses its answer.
        lost: Number of answers that said "committed" and were not forwarded.
    """

    dial: Callable[[], socket.socket]
    armed: bool = False
    lost: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fires(self) -> bool:
        """True for the first COMMIT after the proxy was armed; false for each later one."""
        with self._lock:
            fires, self.armed = self.armed, False
            return fires

    def serve(self, client: socket.socket) -> None:
        """Forward one connection until it ends."""
        with closing(client), closing(self.dial()) as server:
            connection = _Connection(self, client, server)
            back = threading.Thread(target=connection.answers, daemon=True)
            back.start()
            connection.requests()
            back.join()


@dataclass
class _Connection:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    moved: bool = False
    losing: bool = False

    def requests(self) -> None:
        """Forward from the client to the database."""
        before = b""
        with suppress(OSError):  # the other direction has ended
            while data := self.client.recv(65536):
                seen, before = before + data, data[-len(POINTER_MOVED) :]  # a statement may be in two packets
                self.moved |= POINTER_MOVED in seen
                if self.moved and COMMIT in seen:
                    self.moved, self.losing = False, self.proxy.fires()
                self.server.sendall(data)
        _hang_up(self.server)

    def answers(self) -> None:
        """Forward from the database to the client; drop the answer to the COMMIT, and close the client's connection."""
        kept = b""
        with suppress(OSError):  # the other direction has ended
            while COMMITTED not in kept and (data := self.server.recv(65536)):
                if self.losing:
                    kept += data
                else:
                    self.client.sendall(data)
        self.proxy.lost += COMMITTED in kept
        _hang_up(self.client)
        _hang_up(self.server)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(dial: Callable[[], socket.socket]) -> Iterator[Proxy]:
    """Open a proxy in front of the database that `dial` connects to; its `port` is on 127.0.0.1."""
    proxy = Proxy(dial)
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):  # the listening socket was shut down
            while True:
                thread = threading.Thread(target=proxy.serve, args=(listener.accept()[0],), daemon=True)
                threads.append(thread)
                thread.start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        proxy.port = int(listener.getsockname()[1])
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join(10)


@dataclass(frozen=True)
class LoseAnswer:
    """Close the connection after the catalog's next commit, before the answer to it is forwarded."""

    proxy: Proxy
    service: Service = Service.POSTGRES

    def inject(self, _stack: Stack) -> None:
        """Arm the proxy."""
        self.proxy.armed = True

    def is_active(self, _stack: Stack) -> bool:
        """True if an answer of the database that it has committed was dropped."""
        return self.proxy.lost > 0

    def is_observable(self, stack: Stack) -> bool:
        """True if the fault is active: the client's connection was closed with the lost answer."""
        return self.is_active(stack)

    def heal(self, _stack: Stack) -> None:
        """Disarm the proxy; it forwards everything again."""
        self.proxy.armed = False
