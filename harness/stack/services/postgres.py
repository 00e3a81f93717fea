"""Postgres: the catalog and the watermarks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from harness.stack.compose import Entry

TIMEOUT = 2.0


@dataclass(frozen=True)
class PostgresServer:
    """Where the server answers, as this host sees it."""

    host: str
    port: int
    user: str
    password: str
    database: str

    @classmethod
    def of(cls, entry: Entry) -> PostgresServer:
        """The address that an entry of the compose file gives."""
        names = entry.environment
        user, password, database = (names[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
        return cls("127.0.0.1", entry.host_port, user, password, database)

    def url(self, database: str) -> str:
        """The address of one database, as libpq reads it."""
        return f"postgresql://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether a query comes back within two seconds; a frozen server never answers one that is on its way."""
        import psycopg

        try:
            return asyncio.run(asyncio.wait_for(self._forty_two(), TIMEOUT)) == 42  # noqa: PLR2004 - see the query
        except (psycopg.Error, TimeoutError):
            return False

    async def _forty_two(self) -> object:
        import psycopg

        connection = await psycopg.AsyncConnection.connect(self.url(self.database))
        async with connection:
            row = await (await connection.execute("SELECT 42")).fetchone()
        return row and row[0]
