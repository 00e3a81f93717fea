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
    """Where the server answers over HTTP, as this host sees it."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, entry: Entry) -> ClickHouseServer:
        """The address that an entry of the compose file gives."""
        names = entry.environment
        return cls("127.0.0.1", entry.host_port, names["CLICKHOUSE_USER"], names["CLICKHOUSE_PASSWORD"])

    def dsn(self, database: str) -> str:
        """The address of one database, as clickhouse-connect reads it."""
        return f"clickhouse://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether a query comes back within two seconds."""
        credentials = b64encode(f"{self.user}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/?query=SELECT%2042", headers={"Authorization": f"Basic {credentials}"})
            return connection.getresponse().read() == b"42\n"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
