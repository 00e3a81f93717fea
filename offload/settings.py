"""The settings, read from variables `OFFLOAD_*` and from a `.env` file."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from offload.errors import ConfigurationError

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST = 366 * 86_400.0


def seconds(value: object) -> float:
    """
    `300`, `300s`, `5 min` -> 300.0.

    Raises:
        ValueError: The text is no duration.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", str(value))
    if not match or match[2] not in _UNITS:
        raise ValueError(f"a duration such as 300, 90s or 5min, not {value!r}")
    return float(match[1]) * _UNITS[match[2]]


def _at_most_a_year(value: object) -> float:
    if (found := seconds(value)) > _LONGEST:
        raise ValueError("a duration of at most a year")
    return found


_PREFIX, _FILE = "OFFLOAD_", ".env"
_OPTIONAL = "OFFLOAD_S3_"  # empty is none: compose files pass unset variables so
Seconds = Annotated[float, BeforeValidator(_at_most_a_year)]


class Settings(BaseSettings):
    """
    Addresses and limits; durations are seconds.

    Attributes:
        clickhouse_dsn: `clickhouse://user:password@host:8123/database` or `chdb:///folder?database=default`.
        catalog_uri: SQLAlchemy address of the Iceberg SQL catalog.
        watermarks_url: SQLAlchemy address of the watermark store.
        warehouse: `s3://bucket/prefix` or a local folder; it must exist.
        cluster: Part of the hot table's identity; set it where several clusters have tables of one name.
        buffer: Time between the end of a window and the clock.
        lease: Time after its last heartbeat for which a run keeps its table.
        timeout: Longest time of one call to a service.
        replica_lag: Time that a ClickHouse replica may be behind the others.
        batch_rows: Rows that one commit publishes at most.
        batch_time: Longest time within which the rows of one commit lie; None: any.
        workers: Threads that write splits, of all tables together.
        jobs: Tables of one layer that run at once.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=_FILE, extra="ignore")

    clickhouse_dsn: SecretStr = SecretStr("chdb:///tidemark/clickhouse")
    catalog_uri: SecretStr = SecretStr("sqlite:///tidemark/catalog.db")
    catalog_name: str = "tidemark"
    watermarks_url: SecretStr = SecretStr("sqlite:///tidemark/watermarks.db")
    warehouse: str = "tidemark/warehouse"
    cluster: str = "default"
    s3_endpoint: str | None = None
    s3_endpoint_for_clickhouse: str | None = None
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None
    s3_region: str = "us-east-1"
    tables: Path | None = None
    engine: str = "local"
    buffer: Seconds = 300.0
    lease: Seconds = Field(default=60.0, gt=0)
    timeout: Seconds = Field(default=8.0, gt=0)
    replica_lag: Seconds = Field(default=300.0, ge=1)
    batch_rows: int = Field(default=25_000_000, ge=1)
    batch_time: Annotated[Seconds, Field(gt=0)] | None = None
    workers: int = Field(default=2, ge=1, le=64)
    jobs: int = Field(default=2, ge=1, le=64)


def load() -> Settings:
    """
    Read the environment.

    Raises:
        ConfigurationError: A variable has a value of a wrong form, or an unknown name; no value is shown.
    """
    _check_names()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"OFFLOAD_{'_'.join(map(str, first['loc'])).upper()}"
        raise ConfigurationError(
            f"a usable value in {name}", str(first["msg"]), f"correct {name} in the environment or in .env"
        ) from None


def _check_names() -> None:
    """A misspelt variable would be ignored, and its default used: another store, for one."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    given = {**_from_file(), **os.environ}
    for name in sorted(name for name in given if name.upper().startswith(_PREFIX) and name.upper() not in known):
        close = get_close_matches(name.upper(), known, 1)
        raise ConfigurationError(
            f"variables {_PREFIX}… that docs/commands.md lists",
            f"{name}; did you mean {close[0]}?" if close else name,
            f"correct {name} in the environment or in .env, or remove it",
        )
    for name in sorted(name for name, value in given.items() if name.upper() in known and value == ""):
        if not name.upper().startswith(_OPTIONAL):
            raise ConfigurationError(f"a value in {name}", "an empty text", f"set {name}, or remove it")


def _from_file() -> dict[str, str | None]:
    """The lines of the file; one that does not exist has none."""
    try:
        return dotenv_values(_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"text in UTF-8 in {Path(_FILE).absolute()}", str(error), "correct or remove the file"
        ) from error
