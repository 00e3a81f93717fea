"""Errors of SQLAlchemy and psycopg, and addresses of databases; for the catalog and the watermark store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    and_,
    delete,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, ProgrammingError

from offload.errors import CHECK_SERVER, AccessRefused, ConfigurationError, Unavailable

# PostgreSQL, Appendix A "Error Codes": class 28 is authorization, 3D000 an unknown database, 42501 a missing privilege
_REFUSED_STATES = ("28", "42501")
_REFUSED_WORDS = ("password authentication failed", "no password supplied", "permission denied", "readonly database")
_MISSING_WORDS = ("does not exist", "unable to open database file")
_DAMAGED_WORDS = ("file is not a database", "database disk image is malformed")  # of SQLite
_READ_ONLY_STATE = "25006"  # of a standby, and of default_transaction_read_only
_STANDBY_WORDS = (
    "session is read-only",
    "session is not read-only",
    "hot standby mode",
)  # of libpq, for target_session_attrs
_OPTION_WORDS = ("invalid connection option", "definition of service", "invalid URI query parameter")
_NO_TLS = "server does not support SSL"  # texts of libpq
_KINDS = {"postgresql", "sqlite"}
_ALTER_ATTEMPTS = 2
_UNPARSED = "an address that cannot be parsed; in a password, write / @ : ? # as %2F %40 %3A %3F %23"


@contextmanager
def translate_errors(variable: str, url: str) -> Iterator[None]:
    """
    Translate errors of the database that `variable` names.

    Raises:
        Unavailable: The database refuses the connection or has closed it.
        AccessRefused: The database refuses the user, the password or the permission.
        ConfigurationError: There is no such database, it cannot be written, or it has no TLS where that is asked for.
    """
    try:
        yield
    except DBAPIError as error:
        where = redacted_url(url)
        found = " ".join(str(error.orig).split())[:300]
        state = getattr(error.orig, "sqlstate", None) or ""
        if state.startswith(_REFUSED_STATES) or any(word in found for word in _REFUSED_WORDS):
            raise AccessRefused(f"{where} to accept the user and the password", found, f"correct {variable}") from error
        if folder := _missing_folder(url):
            raise ConfigurationError(
                f"a folder {folder} for the database {where}", "no such folder", f"mkdir -p {folder}, or set {variable}"
            ) from error
        if state == "3D000" or any(word in found for word in _MISSING_WORDS):
            raise ConfigurationError(f"a database at {where}", found, f"create it, or correct {variable}") from error
        if any(word in found for word in _DAMAGED_WORDS):
            raise ConfigurationError(
                f"a database at {where} that can be read", found, f"restore it, or correct {variable}"
            ) from error
        if state == _READ_ONLY_STATE or any(word in found for word in _STANDBY_WORDS):
            raise ConfigurationError(
                f"a database at {where} that can be written",
                found,
                f"name the primary in {variable}, or correct target_session_attrs there",
            ) from error
        if any(word in found for word in _OPTION_WORDS):
            raise ConfigurationError(f"options of libpq in {variable}", found, f"correct {variable}") from error
        if _NO_TLS in found:
            raise ConfigurationError(f"a TLS connection to {where}", found, f"correct sslmode in {variable}") from error
        raise Unavailable(f"an answer from {where}", found, CHECK_SERVER) from error


def _missing_folder(url: str) -> Path | None:
    """The folder of a SQLite file, where it does not exist: SQLite makes the file, and no folder."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        return None
    folder = Path(address.database).parent
    return None if folder.exists() else folder


def validated_url(variable: str, url: str) -> str:
    """
    Return the address, if it is that of a supported database.

    Raises:
        ConfigurationError: It is not. The address itself is not shown, since a part of it may be the password.
    """
    try:
        found = (
            f"an address of {make_url(url).get_backend_name()}"
            if make_url(url).get_backend_name() not in _KINDS
            else ""
        )
        address = make_url(url)
        if not found and address.get_backend_name() == "sqlite" and address.database in {None, "", ":memory:"}:
            found = "a database in memory, which ends with the command"
        if not found and "@" in (address.database or "") and address.get_backend_name() != "sqlite":
            found = _UNPARSED  # what stands before the second @ is a part of the password
    except (ArgumentError, ValueError):
        found = _UNPARSED
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
    """Add the columns that an older version did not have; old rows have NULL there. Two runs may do so at once."""
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


def is_complete(engine: Engine, metadata: MetaData, *, columns: bool) -> bool:
    """Whether the database has every table; `columns`: with all its columns."""
    with engine.connect() as connection:
        there = inspect(connection)
        return all(
            there.has_table(table.name)
            and (
                not columns
                or {one.name for one in table.columns} <= {one["name"] for one in there.get_columns(table.name)}
            )
            for table in metadata.sorted_tables
        )


def rehearse(engine: Engine, metadata: MetaData, key: str, *, extend: bool) -> None:
    """
    Do to these tables what a run does, with a row of this key, in a transaction that is rolled back.

    `extend`: columns that an older version did not have are added, as a run adds them.
    """
    with engine.connect() as connection:  # which rolls back when it is closed, also after an error
        if engine.dialect.name == "sqlite":  # its driver begins no transaction before a CREATE
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)
        for table in metadata.sorted_tables:
            if extend:
                _extend(connection, table)
            needed = [column for column in table.columns if not column.nullable]
            row = {column.name: 0 if column.type.python_type is int else key for column in needed}
            mine = and_(*(column == row[column.name] for column in table.primary_key))
            connection.execute(insert(table).values(**row))
            connection.execute(update(table).where(mine).values(**row))
            connection.execute(select(*needed).where(mine))
            connection.execute(delete(table).where(mine))


def now(connection: Connection) -> datetime:
    """The database's clock."""
    if connection.dialect.name == "sqlite":
        at = connection.execute(select(func.strftime("%Y-%m-%dT%H:%M:%f", "now"))).scalar_one()
        return datetime.fromisoformat(at).replace(tzinfo=UTC)
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(UTC)


def absent_file(url: str) -> bool:
    """Whether this is the address of a SQLite file that a connection would create, in a folder that allows it."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        return False
    file = Path(address.database.removeprefix("file:"))
    return not file.exists() and os.access(file.parent, os.W_OK | os.X_OK)


def read_odd_times_as_null(engine: Engine) -> None:
    """Let Postgres times that Python has not, such as infinity or years BC, be read as NULL, as invalid text is."""
    if engine.dialect.name != "postgresql":
        return
    from psycopg import DataError
    from psycopg.types.datetime import TimestamptzLoader

    class OddTimes(TimestamptzLoader):
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except DataError:
                return None

    @event.listens_for(engine, "connect")
    def register(connection: Any, _record: Any) -> None:
        connection.adapters.register_loader("timestamptz", OddTimes)


def end_silent_transactions(engine: Engine, seconds: float) -> None:
    """
    Let Postgres end each transaction of this engine whose client is silent for so long.

    A run that is frozen between two statements would keep a row locked, and no other run could take over.
    """
    if engine.dialect.name != "postgresql":
        return
    bound = f"SET LOCAL idle_in_transaction_session_timeout = {max(1, int(seconds * 1000))}"

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(bound)


def redacted_url(url: str) -> str:
    """The address without its password and without parameters, which may be passwords too."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def with_connect_timeout(url: str, timeout: float) -> str:
    """The address with a time-out for connecting, in seconds, where the driver takes one."""
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
