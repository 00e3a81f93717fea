"""
The answer to a COMMIT that never comes back: the catalog has moved, and whoever moved it is not told.

A proxy stands in front of Postgres and forwards everything. PostgreSQL documentation, "Message Formats": statements
travel as plain text, and CommandComplete ("C", length, tag) ends each; TLS would hide both, so the proxy wants none.
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
    Forwards every connection to the database, until it is told to lose an answer.

    Attributes:
        dial: Opens a connection to the database.
        armed: The next COMMIT after a moved metadata pointer loses its answer.
        lost: Answers that were read from the database, said that it had committed, and went no further.
    """

    dial: Callable[[], socket.socket]
    armed: bool = False
    lost: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self) -> bool:
        """Whether this COMMIT is the one; true once."""
        with self._lock:
            struck, self.armed = self.armed, False
            return struck

    def serve(self, client: socket.socket) -> None:
        """Carry one connection to its end."""
        with closing(client), closing(self.dial()) as server:
            carried = _Connection(self, client, server)
            back = threading.Thread(target=carried.answers, daemon=True)
            back.start()
            carried.requests()
            back.join()


@dataclass
class _Connection:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    moved: bool = False
    struck: bool = False

    def requests(self) -> None:
        """From the client to the database."""
        before = b""
        with suppress(OSError):  # the other direction has ended
            while data := self.client.recv(65536):
                seen, before = before + data, data[-len(POINTER_MOVED) :]  # a statement may come in two pieces
                self.moved |= POINTER_MOVED in seen
                if self.moved and COMMIT in seen:
                    self.moved, self.struck = False, self.proxy.strikes()
                self.server.sendall(data)
        _hang_up(self.server)

    def answers(self) -> None:
        """From the database to the client; what answers the COMMIT is kept back, and the client cut off."""
        kept = b""
        with suppress(OSError):  # the other direction has ended
            while COMMITTED not in kept and (data := self.server.recv(65536)):
                if self.struck:
                    kept += data
                else:
                    self.client.sendall(data)
        self.proxy.lost += COMMITTED in kept
        _hang_up(self.client)
        _hang_up(self.server)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it is gone already
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(dial: Callable[[], socket.socket]) -> Iterator[Proxy]:
    """Lend a proxy in front of the database that `dial` connects to; its `port` is on 127.0.0.1."""
    proxy = Proxy(dial)
    carriers: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):  # the listening socket was shut down
            while True:
                carrier = threading.Thread(target=proxy.serve, args=(listener.accept()[0],), daemon=True)
                carriers.append(carrier)
                carrier.start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        proxy.port = int(listener.getsockname()[1])
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for carrier in carriers:
                carrier.join(10)


@dataclass(frozen=True)
class LoseAnswer:
    """Let the catalog commit, and cut the connection before it can say so; it lies in wait for the next commit."""

    proxy: Proxy
    service: Service = Service.POSTGRES

    def inject(self, _stack: Stack) -> None:
        """Lie in wait."""
        self.proxy.armed = True

    def is_active(self, _stack: Stack) -> bool:
        """The database's own word that it has committed was kept back."""
        return self.proxy.lost > 0

    def is_observable(self, stack: Stack) -> bool:
        """Who asked for the commit was cut off in the same instant."""
        return self.is_active(stack)

    def heal(self, _stack: Stack) -> None:
        """Forward everything again; harmless when it never struck."""
        self.proxy.armed = False
