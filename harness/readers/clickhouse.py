"""
Reads a ClickHouse table through clickhouse-connect, and never writes.

chDB lets one process open a folder, and a process open one folder at a time: every function opens, reads and closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import clickhouse_connect

from harness.readers.arrow import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

# Arrow has no enumeration and no UUID that every server version sends in one form, and sends a DateTime as an integer.
REWRITES = (
    (re.compile(r"\bEnum(?:8|16)\((?:\s*'(?:[^'\\]|\\.|'')*'\s*=\s*-?\d+\s*,?)+\)"), "String"),
    (re.compile(r"\bDateTime(?!64)(?:\('[^']*'\))?"), "DateTime64(0, 'UTC')"),
    (re.compile(r"\bUUID\b"), "String"),
)


@dataclass(frozen=True)
class HotTableAddress:
    """
    The address of a ClickHouse table.

    Attributes:
        name: `table` or `database.table`.
        dsn: `chdb:///folder`, or `http://user:password@host:port/database`; never shown.
    """

    name: str
    dsn: str = field(repr=False)


def read_hot(hot: HotTableAddress, columns: Sequence[str] = (), *, final: bool = False, where: str = "1") -> Table:
    """
    Read rows, enumerations and UUIDs as text, instants in UTC.

    Args:
        hot: The table.
        columns: Columns to read; empty: all.
        final: Merge the copies of a Replacing table.
        where: A condition in ClickHouse's SQL, written by the test's author.
    """
    with closing(clickhouse_connect.get_client(dsn=hot.dsn)) as client:
        types = _types(client, hot)
        chosen = ", ".join(_selected(name, types[name]) for name in columns or types)
        merged = " FINAL" if final else ""
        return client.query_arrow(f"SELECT {chosen} FROM {_quoted(hot.name)}{merged} WHERE {where}", use_strings=True)


def count_hot(hot: HotTableAddress, *, final: bool = False, where: str = "1") -> int:
    """Count rows; the arguments are those of `read_hot`."""
    with closing(clickhouse_connect.get_client(dsn=hot.dsn)) as client:
        merged = " FINAL" if final else ""
        answer = client.query(f"SELECT count() FROM {_quoted(hot.name)}{merged} WHERE {where}")
        return int(answer.result_rows[0][0])


def _types(client: Any, hot: HotTableAddress) -> dict[str, str]:
    return {row[0]: row[1] for row in client.query(f"DESCRIBE TABLE {_quoted(hot.name)}").result_rows}


def _selected(name: str, declared: str) -> str:
    carried = declared
    for pattern, replacement in REWRITES:
        carried = pattern.sub(replacement, carried)
    column = _identifier(name)
    if carried == declared:
        return column
    literal = carried.replace("\\", "\\\\").replace("'", "\\'")
    return f"CAST({column}, '{literal}') AS {column}"


def _quoted(table: str) -> str:
    return ".".join(_identifier(part) for part in table.split(".", 1))


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


@contextmanager
def opened(dsn: str) -> Iterator[Any]:
    """Open a client; while it is open, no other process can open a chDB folder."""
    with closing(clickhouse_connect.get_client(dsn=dsn)) as client:
        yield client
