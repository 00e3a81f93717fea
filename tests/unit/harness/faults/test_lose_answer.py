from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
from sqlalchemy import make_url

from harness.environments.embedded_postgres import new_database, running_postgres
from harness.faults.injected import injected
from harness.faults.lose_answer import LoseAnswer, Proxy, proxied
from harness.history import History
from harness.timeline import Milestone, Timeline

if TYPE_CHECKING:
    from harness.stack.stack import Stack

SERVERS = cast("Stack", SimpleNamespace(wait_healthy=lambda _service: None))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A real Postgres that listens on a port, with the catalog's table of pointers in a database."""
    with running_postgres() as server:
        url = new_database(server)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE iceberg_tables (metadata_location text)")
            connection.execute("INSERT INTO iceberg_tables VALUES ('old')")
        yield url


@pytest.fixture
def proxy(address: str) -> Iterator[Proxy]:
    """A proxy in front of it; this server listens on a socket of the file system."""
    folder = make_url(address).query["host"]

    def dial() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{folder}/.s.PGSQL.5432")
        return connection

    with proxied(dial) as made:
        yield made


def through(address: str, proxy: Proxy) -> Any:
    """A connection through the proxy."""
    url = make_url(address).set(host="127.0.0.1", port=proxy.port, query={})
    return psycopg.connect(url.render_as_string(hide_password=False))


def move(connection: Any, to: str) -> None:
    """Move the metadata pointer, as a catalog does; not yet committed."""
    connection.execute("UPDATE iceberg_tables SET metadata_location = %s", [to])


def pointer(address: str) -> str:
    """The value of the metadata pointer."""
    with psycopg.connect(address) as connection:
        return str(connection.execute("SELECT metadata_location FROM iceberg_tables").fetchone()[0])  # type: ignore[index]


def test_the_commit_lands_and_its_answer_does_not(address: str, proxy: Proxy) -> None:
    """The client is cut off, the database has committed, and the next connection works."""
    history = History()

    with injected(LoseAnswer(proxy), SERVERS, history, armed=True), through(address, proxy) as connection:
        move(connection, "lost")
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
        with through(address, proxy) as next_one:
            move(next_one, "found")

    assert pointer(address) == "found"
    assert (proxy.lost, Milestone.LANDED in Timeline.of(history).at) == (1, True)


def test_the_pointer_has_moved_when_the_answer_is_lost(address: str, proxy: Proxy) -> None:
    """Cut off after the commit, not before it."""
    LoseAnswer(proxy).inject(SERVERS)

    with through(address, proxy) as connection:
        move(connection, "committed")
        with pytest.raises(psycopg.OperationalError):
            connection.commit()

    assert pointer(address) == "committed"


@pytest.mark.parametrize("statement", ["SELECT 1", "CREATE TABLE IF NOT EXISTS other (i int)"])
def test_another_commit_is_left_alone(address: str, proxy: Proxy, statement: str) -> None:
    """Only a moved pointer is waited for."""
    fault = LoseAnswer(proxy)
    fault.inject(SERVERS)

    with through(address, proxy) as connection:
        connection.execute(statement)
        connection.commit()

    assert (fault.is_active(SERVERS), proxy.lost) == (False, 0)
