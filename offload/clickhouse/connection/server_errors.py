"""Errors of ClickHouse, chDB and the libraries between, as errors that a caller can act on."""

from __future__ import annotations

import re

from offload.clickhouse.connection.profile import cut_answers
from offload.errors import (
    CHECK_SERVER,
    AccessRefused,
    ConfigurationError,
    DataError,
    LeaseHeld,
    OffloadError,
    SourceMoving,
    Unavailable,
)

# system.errors / ErrorCodes.cpp of ClickHouse
_REFUSED = {192, 193, 194, 516}
_NO_GRANT = 497
_READ_ONLY = 164
# Limits, quotas and constraints of the user's profile, and queries that a table or a view refuses.
_FORBIDDEN = {43, 158, 161, 201, 307, 359, 395, 396, 452, 565, 620, 704, 719}
_TOO_MANY = 202
_STALE_REPLICAS = 369
_MISSING = {47, 60}
_NO_DATABASE = 81
_BUSY_FOLDER = 36
_GRANT = re.compile(r"have the grant (.+? ON [^\s(]*[^\s(.])")
_CUT_ANSWERS = ("server version query", "Unrecognized ClickHouse type")  # clickhouse-connect, while it connects
_NO_ENGINE = "Unable to open the chdb engine"  # clickhouse-connect's message, which has no code
_NO_FOLDER = "filesystem error"  # chDB's code is 36 here too
_NO_TLS = "WRONG_VERSION_NUMBER"  # of Python's ssl, where a port answers in plain text
_BUCKET = 499
_TRANSIENT = {159, 203, 209, 210, 225, 236, 241, 242, 243, 279, 319, 394, 999}


def translate(error: Exception, where: str, user: str, timeout: float, *, embedded: bool) -> OffloadError | None:
    """
    The error that a caller can act on, for one of clickhouse-connect, urllib3 or pyarrow; None: a bug.

    Args:
        error: The library's error.
        where: The server's address, without user and password.
        user: The user of the query.
        timeout: Seconds that the server had to answer.
        embedded: Whether the server is chDB in this process.
    """
    code = getattr(error, "code", None)
    found = _first_line(error)
    if code == _BUSY_FOLDER or _NO_ENGINE in str(error):
        return _folder_error(error, where)
    if code in _REFUSED:
        return AccessRefused(f"{where} to accept the user and the password", found, "correct OFFLOAD_CLICKHOUSE_DSN")
    if refused := _limit_error(code, where, user, found, str(error)):
        return refused
    if code == _BUCKET:
        return _bucket_error(where, found)
    if code == _NO_DATABASE:
        return ConfigurationError(
            f"an existing database at {where}", found, "create it, or correct OFFLOAD_CLICKHOUSE_DSN"
        )
    if code in _MISSING:
        return DataError(f"the tables and columns of the query at {where}", found, "offload tables")
    if _NO_TLS in str(error):
        return ConfigurationError(
            f"a TLS connection to {where}",
            found,
            "correct OFFLOAD_CLICKHOUSE_DSN: clickhouse:// is the form without TLS",
        )
    from clickhouse_connect.driver.exceptions import Error, OperationalError, StreamFailureError
    from pyarrow import ArrowInvalid
    from urllib3.exceptions import HTTPError

    gone = isinstance(error, OperationalError | StreamFailureError | HTTPError | OSError | ArrowInvalid)
    if code in _TRANSIENT or (gone and (code is None or isinstance(error, StreamFailureError))):
        return Unavailable(f"an answer from {where} within {timeout:g} s", found, CHECK_SERVER)
    if isinstance(error, Error) and code is None and not embedded:
        return Unavailable(f"an answer from {where}", found, CHECK_SERVER)
    return None


def is_time_out(error: BaseException | None) -> bool:
    """Whether the server did not answer, or not go on, in time."""
    from urllib3.exceptions import TimeoutError as Silence

    while error is not None and not isinstance(error, Silence):
        error = error.__cause__ or error.__context__
    return error is not None


def _limit_error(code: int | None, where: str, user: str, found: str, message: str) -> OffloadError | None:
    """What the rights, the limits and the settings of the query do not allow."""
    if any(words in message for words in _CUT_ANSWERS):
        return cut_answers(user, found)
    if code == _NO_GRANT:
        grant = _GRANT.search(message)
        statement = f"GRANT {grant[1].strip()} TO {user}" if grant else "grant it"
        return AccessRefused(f"{where} to allow this query to the user {user}", found, f"{statement} (docs/grants.md)")
    if code == _READ_ONLY:
        return AccessRefused(
            f"{where} to let the user {user} change settings of a query",
            found,
            f"give {user} a profile with readonly = 2 (docs/grants.md)",
        )
    if code in _FORBIDDEN:
        return ConfigurationError(
            f"limits of the user {user} at {where} that allow the queries of an offload",
            found,
            f"raise the limit for {user}, or name another user in OFFLOAD_CLICKHOUSE_DSN (docs/grants.md)",
        )
    if code == _STALE_REPLICAS:
        return SourceMoving(
            f"{where} to reach a replica of every shard that is at most OFFLOAD_REPLICA_LAG behind",
            found,
            "wait until one has caught up (system.replicas), then run the command again",
        )
    if code == _TOO_MANY:
        return Unavailable(
            f"{where} to run one query more",
            found,
            "set OFFLOAD_WORKERS=1 or raise max_concurrent_queries_for_user, then run the command again",
        )
    return None


def _folder_error(error: Exception, where: str) -> LeaseHeld | ConfigurationError:
    """Another process has the chDB folder open, or it is no folder that can be opened."""
    code, found = getattr(error, "code", None), _first_line(error)
    busy = code == _BUSY_FOLDER or f"Code: {_BUSY_FOLDER}" in str(error)
    if busy and _NO_FOLDER not in str(error):
        return LeaseHeld(
            f"no other process that uses {where}", found, "wait until it has ended, then run the command again"
        )
    return ConfigurationError(f"a usable {where}", found, "correct OFFLOAD_CLICKHOUSE_DSN, or restore the folder")


def _bucket_error(where: str, found: str) -> OffloadError:
    """The error of a server that could not read from the bucket."""
    if any(word in found for word in ("code: 403", "Access Denied", "ACCESS_DENIED")):
        return AccessRefused(
            f"the bucket to accept the key that {where} uses",
            found,
            "correct OFFLOAD_S3_ACCESS_KEY and OFFLOAD_S3_SECRET_KEY",
        )
    if "code: 404" in found or "status code: 404" in found:
        return DataError(f"{where} to find the cold table's files in the bucket", found, "restore them from a backup")
    return Unavailable(
        f"{where} to reach the bucket",
        found,
        "check that the object store is running and that the ClickHouse server can reach "
        "OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE, then run the command again",
    )


def _first_line(error: Exception) -> str:
    """The line with the server's message, which can be inside an unfinished answer; else the first one."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line.strip() for line in lines if "DB::Exception" in line), lines[0])[:300]
