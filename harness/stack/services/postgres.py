"""Postgres: the Iceberg catalog and the watermark store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from harness.stack.compose import Entry

TIMEOUT = 2.0


@dataclass(frozen=True)
class PostgresServer:
    """Address and credentials of the server, for this host."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def from_entry(cls, entry: Entry) -> PostgresServer:
        """Build the server's address from its entry in the compose file."""
        names = entry.environment
        user, password, database = (names[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
        return cls("127.0.0.1", entry.host_port, user, password, database)

    def url(self, database: str) -> str:
        """Address of one database, in the form of libpq."""
        return f"postgresql://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{database}"

    def answers(self) -> bool:
        """Return whether the server answers `SELECT 42` within two seconds; libpq has no such timeout."""
        import psycopg

        try:
            return asyncio.run(asyncio.wait_for(self._select_42(), TIMEOUT)) == 42  # noqa: PLR2004 - see the query
        except (psycopg.Error, TimeoutError):
            return False

    async def _select_42(self) -> object:
        import psycopg

        connection = await psycopg.AsyncConnection.connect(self.url(self.database))
        async with connection:
            row = await (await connection.execute("SELECT 42")).fetchone()
        return row and row[0]
