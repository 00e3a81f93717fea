"""`offload forget`: a table that was never published leaves `status`; every other stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from offload.errors import DataError, LeaseHeld, UsageError
from offload.results import RunResult
from offload.watermarks.store import WatermarkStore

STORES = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


def store_of(environment: EmbeddedEnvironment, cluster: str = "default") -> WatermarkStore:
    """The watermark store of an environment."""
    return WatermarkStore(environment.store_url, lease=60, timeout=30, owner="test", cluster=cluster)


def tables(store: WatermarkStore) -> list[str]:
    """The tables of the store."""
    return [row["table_name"] for row, _ in store.rows_with_lag()]


@STORES
def test_a_misspelt_table_is_forgotten_and_its_run_stays_in_the_history(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult], kind: str
) -> None:
    """The other table is as before."""
    environment = new_environment("one", store=kind)
    assert offload(environment).exit_code == 0
    store = store_of(environment)
    with store.claim("nope", "typo") as lease:
        assert lease.epoch == 1
    before = store.read(environment.table)
    # The claim above has ended without a record, as a killed run: its lease is free, since its lock is.
    store.forget("nope")

    assert tables(store) == [environment.table]
    assert store.read(environment.table) == before
    assert [run["run_id"] for run in store.history("nope", 10)] == ["typo"]


@STORES
def test_a_published_table_is_not_forgotten(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult], kind: str
) -> None:
    """Its row is what tells a lost cold table from a new one."""
    environment = new_environment("one", store=kind)
    assert offload(environment).exit_code == 0
    store = store_of(environment)
    before = store.read(environment.table)

    with pytest.raises(DataError, match=rf"{environment.table} to have no watermark.*were published"):
        store.forget(environment.table)

    assert store.read(environment.table) == before


@STORES
def test_a_table_that_a_living_run_has_is_not_forgotten(
    new_environment: Callable[..., EmbeddedEnvironment], kind: str
) -> None:
    """The run keeps its row and its epoch."""
    store = store_of(new_environment("one", store=kind))
    with store.claim("nope", "alive") as lease:
        with pytest.raises(LeaseHeld):
            store.forget("nope")

        assert tables(store) == ["nope"]
        lease.check()


def test_an_unknown_table_is_not_forgotten(new_environment: Callable[..., EmbeddedEnvironment]) -> None:
    """Nor one of another cluster."""
    environment = new_environment("one")
    with store_of(environment, "other").claim("trades", "run"):
        pass

    with pytest.raises(UsageError, match="offload status"):
        store_of(environment).forget("trades")

    assert tables(store_of(environment)) == ["other/trades"]
