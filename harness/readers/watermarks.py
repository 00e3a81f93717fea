"""Reads the watermark store in plain SQL, as an operator and a dashboard do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True)
class StoreTable:
    """
    One table as the watermark store knows it.

    Attributes:
        name: The hot table's name, under which the store keeps it.
        url: SQLAlchemy address of the store, SQLite or Postgres; never shown.
    """

    name: str
    url: str = field(repr=False)

    def watermark_row(self) -> dict[str, Any]:
        """The table's row of `offload_watermarks`; empty where there is none."""
        found = self.ask("SELECT * FROM offload_watermarks WHERE table_name = :table")
        return found[0] if found else {}

    def runs(self) -> Sequence[dict[str, Any]]:
        """The table's rows of `offload_runs`, oldest first."""
        return self.ask("SELECT * FROM offload_runs WHERE table_name = :table ORDER BY epoch")

    def ask(self, statement: str, **values: Any) -> Sequence[dict[str, Any]]:
        """Run a statement, also one that writes; `:table` is the table's name."""
        with _connected(self.url) as connection:
            answer = connection.execute(text(statement), {"table": self.name, **values})
            return [dict(row) for row in answer.mappings()] if answer.returns_rows else []


def with_driver(url: str) -> str:
    """The address with the driver that is installed."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(with_driver(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
