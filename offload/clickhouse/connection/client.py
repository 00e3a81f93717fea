"""The client of ClickHouse, one per thread: a server over HTTP, or chDB in this process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from offload.clickhouse import sql
from offload.clickhouse.connection.address import PORTS, parsed
from offload.clickhouse.connection.profile import PINNED, changes
from offload.clickhouse.connection.server_errors import is_time_out, translate
from offload.errors import CHECK_SERVER, OffloadError, SourceMoving, Unavailable
from offload.io import command_limit
from offload.io.deadline import within

# After a restart of the object store each of the server's pooled connections fails once.
_SERVER_ATTEMPTS = 5
# chDB uses the memory of this process: it reads ahead 32 MiB of a file, not 4 GiB.
_SMALL_READS = {
    "input_format_parquet_memory_high_watermark": 32 * 2**20,
    "input_format_parquet_prefer_block_bytes": 2**22,
}
# Files are read whole: one request per row group, not one per group of columns. Older servers lack this setting.
_WHERE_KNOWN = {"input_format_parquet_enable_row_group_prefetch": 0}
# Every answer names its server: a balancer may send each query to another replica. A scalar subquery is evaluated by
# the server that is asked, also where a Distributed table reads from others.
_SERVER = "(SELECT concat(hostName(), ' ', toString(serverUUID()))) AS tidemark_server"
_log = logging.getLogger(__name__)


class ClickHouse:
    """
    Clients of one server or one chDB folder.

    Args:
        dsn: `clickhouse://user:password@host:8123/database`, `clickhouses://` for TLS, or
            `chdb:///folder?database=name`.
        timeout: Seconds without a byte from the server before a call fails.
        replica_lag: Seconds that a replica may be behind the others of its table.

    Opens nothing before the first query. A chDB folder can be open in one process only. Can be pickled: the copy opens
    its own clients.
    """

    def __init__(self, dsn: str, timeout: float, replica_lag: float = 300.0) -> None:
        self._dsn = dsn
        self._url = parsed(dsn)
        self._timeout = timeout
        self.replica_lag = replica_lag
        self._local = threading.local()
        self._opened: list[Any] = []
        self._lock = threading.Lock()
        self._server: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"dsn": self._dsn, "timeout": self._timeout, "replica_lag": self.replica_lag}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # a copy starts like a new client

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process (chDB)."""
        return self._url.scheme == "chdb"

    @property
    def user(self) -> str:
        """The user of the queries."""
        return unquote(self._url.username or "default")

    @property
    def database(self) -> str:
        """The database of unqualified names."""
        query = parse_qs(self._url.query)
        if self.embedded:
            return query.get("database", ["default"])[0]
        return self._url.path.strip("/") or "default"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """
        Run one SELECT and return its rows.

        Raises:
            Unavailable: The server refused or closed the connection, or was silent for `timeout` seconds.
            AccessRefused: The server refused the user or the password.
            DataError: The query names a table or column that does not exist.
            SourceMoving: Another server answered than before, whose rows may be others.
        """
        return self._of_one_server(query, lambda named: self._client().query(named))

    def row(self, query: str) -> tuple[Any, ...]:
        """
        Run one SELECT that has exactly one row, such as an aggregate.

        Raises:
            As `rows`, and
            Unavailable: The answer has no row: it was lost on the way.
        """
        return only(self.rows(query), self.address)

    def histogram(self, query: str) -> list[tuple[Any, ...]]:
        """
        Run one SELECT that returns very many rows, without the server's name in each; check their sum otherwise.

        Raises:
            As `rows`, but for SourceMoving.
        """
        with self._translate_errors():
            return list(self._client().query(query).result_rows)

    def _of_one_server(self, query: str, send: Callable[[str], Any]) -> list[tuple[Any, ...]]:
        with self._translate_errors():
            rows = send(f"SELECT {_SERVER}, {query.removeprefix('SELECT ')}").result_rows
        servers = {row[0] for row in rows}
        with self._lock:
            self._server = self._server or next(iter(servers), None)
            if servers - {self._server}:
                raise SourceMoving(
                    f"every answer from the server {self._server}",
                    f"an answer from {', '.join(sorted(servers - {self._server}))}",
                    "name one replica in OFFLOAD_CLICKHOUSE_DSN, or make the balancer keep a client on one replica",
                )
        return [row[1:] for row in rows]

    def rows_of_files(self, query: str) -> list[tuple[Any, ...]]:
        """
        Run one query that reads data files; a query of a server that is silent for `timeout` seconds is killed.

        The server sends progress headers only while a query makes progress. A query that waits for a bucket is silent,
        and would go on for minutes after its client has disconnected.

        Raises:
            As `rows`.
        """
        if self.embedded:
            return self.rows(query)
        query_id = str(uuid4())
        try:
            with self._translate_errors():
                client = self._client()
                known = {name: value for name, value in _WHERE_KNOWN.items() if name in client.server_settings}
                settings = {"query_id": query_id, **known}
            return self._of_one_server(query, lambda named: client.query(named, settings=settings))
        except Unavailable:
            self._kill(query_id)
            raise

    def _kill(self, query_id: str) -> None:
        """Kill a query on the server; where that fails too, the query ends by its own time-outs."""
        try:
            within(
                self._timeout / 2,
                self.address,
                lambda: self._client().command(f"KILL QUERY WHERE query_id = {sql.text(query_id)} ASYNC"),
            )
        except OffloadError as error:
            _log.warning("query %s could not be killed: %s", query_id, error)

    def accepts(self, query: str, *, refusal: Collection[int]) -> bool:
        """Whether the server runs a query; False: it refuses it with one of these codes. Other errors as `rows`."""
        with self._translate_errors():
            try:
                self._client().query(query)
            except Exception as error:
                if not any(f"Code: {code}." in str(error) for code in refusal):
                    raise
                return False
        return True

    def statement(self, query: str) -> list[tuple[Any, ...]]:
        """Run one statement that is no SELECT, such as DESCRIBE; errors as `rows`."""
        with self._translate_errors():
            return list(self._client().query(query).result_rows)

    def arrow(self, query: str) -> Generator[Any]:
        """Stream the rows as `pyarrow.RecordBatch`, one stream per thread at a time; errors as `rows`."""
        with self._translate_errors():
            yield from self._blocks().batches(query) if self.embedded else self._streamed(query)

    def _streamed(self, query: str) -> Generator[Any]:
        import pyarrow as pa

        stream = self._client().raw_stream(query, fmt="ArrowStream")
        try:
            yield from pa.ipc.open_stream(stream)
        finally:
            stream.close()

    def close(self) -> None:
        """Close every client of every thread; another process may then open the chDB folder."""
        with self._lock:
            opened, self._opened = self._opened, []
        for client in opened:
            client.close()
        self._local = threading.local()

    def _client(self) -> Any:
        client = self._of_this_thread("client", self._open)
        client.timeout = command_limit.allowed(self._timeout)  # no effect on chDB's
        return client

    def _blocks(self) -> Any:
        return self._of_this_thread("blocks", self._open_blocks)

    def _of_this_thread(self, name: str, open_one: Callable[[], Any]) -> Any:
        one = getattr(self._local, name, None)
        if one is None:
            one = open_one()
            with self._lock:
                self._opened.append(one)
            setattr(self._local, name, one)
        return one

    def _settings(self) -> dict[str, Any]:
        # Each attempt to reach a bucket has half the time; by default the attempts go on for minutes.
        half = int(self._timeout * 500)
        settings = {
            **PINNED,
            "max_replica_delay_for_distributed_queries": int(self.replica_lag),
            "s3_connect_timeout_ms": half,
            "s3_request_timeout_ms": half,
            "s3_retry_attempts": 1 if self.embedded else _SERVER_ATTEMPTS,
        }
        return settings | _SMALL_READS if self.embedded else settings

    def _open_blocks(self) -> Any:
        from offload.clickhouse.connection.chdb import BlockReader

        client = self._client()
        return BlockReader(client.path, self.database, changes(client.server_settings, self._settings(), self.user))

    def _open(self) -> Any:
        import clickhouse_connect

        if self.embedded:
            return _configured(clickhouse_connect.get_client(dsn=self._dsn), self._settings(), self.user)
        allowed = max(1, int(command_limit.allowed(self._timeout)))  # the driver takes whole seconds
        client = clickhouse_connect.get_client(
            host=self._url.hostname or "localhost",
            port=self._url.port or PORTS[self._url.scheme],
            username=self.user,
            password=unquote(self._url.password or ""),
            database=self.database,
            secure=self._url.scheme in {"https", "clickhouses"},
            connect_timeout=allowed,
            send_receive_timeout=allowed,
            query_retries=0,
            autogenerate_session_id=False,
        )
        # A running query sends a header from time to time: a silent server makes no progress.
        progress = {
            "send_progress_in_http_headers": 1,
            "http_headers_progress_interval_ms": int(self._timeout * 1000 / 3),
        }
        return _configured(client, self._settings() | progress, self.user)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (OffloadError, GeneratorExit):
            raise
        except Exception as error:
            limit = command_limit.allowed(self._timeout)
            if (translated := translate(error, self.address, self.user, limit, embedded=self.embedded)) is None:
                raise
            if is_time_out(error):
                command_limit.overdue(self.address, limit)
            raise translated from error
        command_limit.answered(self.address)

    @property
    def address(self) -> str:
        """The address without user and password."""
        if self.embedded:
            return f"chDB folder {self._url.path}"
        return f"ClickHouse {self._url.hostname}:{self._url.port or PORTS.get(self._url.scheme, 0)}"


def _configured(client: Any, settings: Mapping[str, Any], user: str) -> Any:
    for name, value in changes(client.server_settings, settings, user).items():
        client.set_client_setting(name, value)
    return client


def only(rows: list[tuple[Any, ...]], where: str) -> tuple[Any, ...]:
    """
    The one row of an answer.

    Raises:
        Unavailable: There is none: an aggregate always has a row, so the answer is not the server's.
    """
    if not rows:
        raise Unavailable(f"one row from {where}", "an answer without rows", CHECK_SERVER)
    return rows[0]
