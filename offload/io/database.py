"""Errors of SQLAlchemy and psycopg, and addresses, as both the catalog and the watermark store need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData, Table, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, ProgrammingError

from offload.errors import CHECK_SERVER, AccessRefused, ConfigurationError, Unavailable

# PostgreSQL, Appendix A "Error Codes": class 28 is authorization, 3D000 an unknown database, 42501 a missing privilege
_REFUSED_STATES = ("28", "42501")
_REFUSED_WORDS = ("password authentication failed", "no password supplied", "permission denied", "readonly database")
_MISSING_WORDS = ("does not exist", "unable to open database file")
_NO_TLS = "server does not support SSL"  # libpq's words
_KINDS = {"postgresql", "sqlite"}
_ALTER_ATTEMPTS = 2


@contextmanager
def translate_errors(variable: str, url: str) -> Iterator[None]:
    """
    Errors of the database that `variable` names, as what they mean to a caller.

    Raises:
        Unavailable: It refuses the connection or went away.
        AccessRefused: It refuses the user, the password or the permission.
        ConfigurationError: There is no such database, or no TLS where it is asked for.
    """
    try:
        yield
    except DBAPIError as error:
        where = redacted_url(url)
        said = " ".join(str(error.orig).split())[:300]
        state = getattr(error.orig, "sqlstate", None) or ""
        if state.startswith(_REFUSED_STATES) or any(word in said for word in _REFUSED_WORDS):
            raise AccessRefused(f"{where} to accept the user", said, f"correct {variable}") from error
        if state == "3D000" or any(word in said for word in _MISSING_WORDS):
            raise ConfigurationError(f"a database at {where}", said, f"create it, or correct {variable}") from error
        if _NO_TLS in said:
            raise ConfigurationError(f"TLS at {where}", said, f"correct sslmode in {variable}") from error
        raise Unavailable(f"an answer from {where}", said, CHECK_SERVER) from error


def validated_url(variable: str, url: str) -> str:
    """
    The address, if it is one of a database that we can use.

    Raises:
        ConfigurationError: It is not; the address itself is not shown, since a misread part may be the password.
    """
    try:
        found = f"one of {make_url(url).get_backend_name()}" if make_url(url).get_backend_name() not in _KINDS else ""
    except (ArgumentError, ValueError):
        found = "none that can be read; in a password, write / @ : ? # as %2F %40 %3A %3F %23"
    if found:
        raise ConfigurationError(
            f"an address like postgresql://user:password@host/database or sqlite:////folder/file.db in {variable}",
            found,
            f"set {variable}",
        )
    return url


def create_tables(metadata: MetaData, engine: Engine) -> None:
    """Create the tables that are missing; another first run may create any of them at the same time."""
    for _ in metadata.tables:
        try:
            metadata.create_all(engine)
        except (IntegrityError, OperationalError, ProgrammingError):
            continue  # a table that was created in between is found by the next attempt
        return
    metadata.create_all(engine)


def add_missing_columns(metadata: MetaData, engine: Engine) -> None:
    """Add the columns that an older version did not have; old rows have NULL there. Another run may do so as well."""
    for _ in range(_ALTER_ATTEMPTS):
        try:
            with engine.begin() as connection:
                for table in metadata.sorted_tables:
                    _extend(connection, table)
        except (OperationalError, ProgrammingError):
            continue  # a column that was added in between is found by the next attempt
        return
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            _extend(connection, table)


def _extend(connection: Connection, table: Table) -> None:
    present = set(connection.execute(select(text("*")).select_from(table).limit(0)).keys())
    for column in table.columns:
        if column.name not in present:
            kind = column.type.compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))


def redacted_url(url: str) -> str:
    """The address without its password, and without parameters: a driver takes passwords there too."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def with_connect_timeout(url: str, timeout: float) -> str:
    """The address with a bound on connecting, in seconds, where the driver takes one there."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return url
    parsed = parsed.set(drivername="postgresql+psycopg")
    extra = {
        name: value
        for name, value in {"connect_timeout": str(max(2, int(timeout)))}.items()
        if name not in parsed.query
    }
    return parsed.update_query_dict(extra).render_as_string(hide_password=False)
