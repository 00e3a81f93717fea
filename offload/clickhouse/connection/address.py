"""The address of a ClickHouse: OFFLOAD_CLICKHOUSE_DSN."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from offload.errors import ConfigurationError

PORTS = {"http": 8123, "clickhouse": 8123, "https": 8443, "clickhouses": 8443}


def parsed(dsn: str) -> SplitResult:
    """
    Take an address apart.

    Raises:
        ConfigurationError: It has another form; the message shows no part of it.
    """
    try:
        url = urlsplit(dsn)
        known = url.scheme in {"chdb", *PORTS} and (url.port or True)
    except ValueError:  # its message may show a part of the password
        known = False
    if not known:
        raise ConfigurationError(
            "clickhouse://user:password@host:8123/database or chdb:///folder in OFFLOAD_CLICKHOUSE_DSN",
            "another form; in a password, write / @ : ? # as %2F %40 %3A %3F %23",
            "correct OFFLOAD_CLICKHOUSE_DSN",
        )
    return url
