"""ClickHouse: the hot tier."""

from __future__ import annotations

import http.client
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote

from harness.stack.compose import Entry

TIMEOUT = 2.0


@dataclass(frozen=True)
class ClickHouseServer:
    """Address and credentials of the server's HTTP interface, for this host."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def from_entry(cls, entry: Entry) -> ClickHouseServer:
        """Build the server's address from its entry in the compose file."""
        names = entry.environment
        return cls("127.0.0.1", entry.host_port, names["CLICKHOUSE_USER"], names["CLICKHOUSE_PASSWORD"])

    def dsn(self, database: str) -> str:
        """Address of one database, in the form of clickhouse-connect."""
        return f"clickhouse://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{database}"

    def answers(self) -> bool:
        """Return whether the server answers `SELECT 42` within two seconds."""
        credentials = b64encode(f"{self.user}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/?query=SELECT%2042", headers={"Authorization": f"Basic {credentials}"})
            return connection.getresponse().read() == b"42\n"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
