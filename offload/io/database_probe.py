"""Proves what a user may do in the database of the catalog or of the watermark store, and leaves it as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import MetaData, create_engine
from sqlalchemy.pool import NullPool
from typing_extensions import override

from offload.io import database
from offload.io.deadline import within
from offload.model import windows
from offload.ports.probes import DatabaseRights

T = TypeVar("T")


class DatabaseProbe(DatabaseRights):
    """
    The tables of one database.

    Args:
        variable: The variable that has the address, for messages.
        url: The address.
        tables: The tables.
        timeout: Seconds that one call may take.
        extend: Whether a run adds the columns that tables of an older version lack.
    """

    def __init__(self, variable: str, url: str, tables: MetaData, timeout: float, *, extend: bool) -> None:
        self._variable = variable
        self._url = database.with_connect_timeout(url, timeout)
        self._tables = tables
        self._timeout = timeout
        self._extend = extend
        waits = {"timeout": timeout} if url.startswith("sqlite") else {}
        self._engine = create_engine(self._url, poolclass=NullPool, connect_args=waits)
        database.end_silent_transactions(self._engine, timeout)

    @override
    def prepared(self) -> bool:
        if database.absent_file(self._url):  # a connection would create it
            return False
        return self._call(lambda: database.is_complete(self._engine, self._tables, columns=self._extend))

    @override
    def rehearse(self) -> None:
        if database.absent_file(self._url):
            return
        key = f"tidemark-probe-{uuid4().hex}"
        self._call(lambda: database.rehearse(self._engine, self._tables, key, extend=self._extend))

    @override
    def now(self) -> int:
        if database.absent_file(self._url):
            return time.time_ns() // 1000  # SQLite's clock is this machine's
        return self._call(self._now)

    def _now(self) -> int:
        with self._engine.connect() as connection:
            return windows.ticks_of(database.now(connection).isoformat(), windows.MICROSECOND_DIGITS)

    def _call(self, call: Callable[[], T]) -> T:
        with database.translate_errors(self._variable, self._url):
            return within(self._timeout, database.redacted_url(self._url), call)
