"""Environments of protocol tests: hot folders that are built once and copied, a real Postgres, runs in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.environments.embedded_postgres import new_database, running_postgres
from harness.readers import clickhouse
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.trades import tagged
from offload import api, wiring
from offload.protocol.adapters import Adapters
from offload.results import RunResult
from tests.integration.embedded.conftest import chdb, stage  # noqa: F401  # fixtures
from tests.support.offload import settings_of

TABLE = "bronze_trades_binance"
DDL = Path(__file__).parents[3] / "fixtures" / "clickhouse" / f"{TABLE}.sql"
HOT = {
    "one": tagged.TaggedTrades(1_200),
    "many": tagged.TaggedTrades(4_000, symbols=("ADAUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"), days=2),
}


@pytest.fixture(scope="session")
def hot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """For each kind of hot table: its folder, its trades, and its rows as they were read."""
    return {kind: built(tmp_path_factory.mktemp(f"hot-{kind}") / "clickhouse", made) for kind, made in HOT.items()}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A server that all tests of this process share, each with a database of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def new_environment(
    request: pytest.FixtureRequest, tmp_path: Path, hot: dict[str, Any]
) -> Callable[..., EmbeddedEnvironment]:
    """Makes the environment of a test: `new_environment("many", store="postgres", lease="2")`."""

    def make(kind: str = "one", store: str = "sqlite", **settings: str) -> EmbeddedEnvironment:
        shutil.copytree(hot[kind][0], tmp_path / "clickhouse", symlinks=True)
        (tmp_path / "warehouse").mkdir()
        if store == "postgres":
            url = new_database(request.getfixturevalue("postgres"))
            return EmbeddedEnvironment(tmp_path, url, url).with_settings(**settings)
        urls = (f"sqlite:///{tmp_path / name}.db" for name in ("catalog", "watermarks"))
        return EmbeddedEnvironment(tmp_path, *urls).with_settings(**settings)

    return make


@pytest.fixture
def offload() -> Callable[..., RunResult]:
    """Runs `offload run TABLE` in this process."""

    def run(environment: EmbeddedEnvironment, **arguments: Any) -> RunResult:
        return api.run([environment.table], settings=settings_of(environment), **arguments)

    return run


@pytest.fixture
def adapters() -> Callable[[EmbeddedEnvironment], AbstractContextManager[Adapters]]:
    """The offload's own adapters in an environment, for another writer."""
    return lambda environment: wiring.open_adapters(settings_of(environment))


def built(folder: Path, made: tagged.TaggedTrades) -> tuple[Path, tagged.TaggedTrades, Any]:
    """A chDB folder with the trades; no process has it open."""
    dsn = f"chdb:///{folder}?database=default"
    with clickhouse.opened(dsn) as client:
        tagged.create(client, DDL.read_text())
        tagged.insert(client, TABLE, made)
    return folder, made, read_hot(HotTableAddress(TABLE, dsn), final=True)
