"""The lease behind a real PgBouncer: a living run keeps its table in every pool mode, and no lock stays in the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.environments.embedded_postgres import new_database, running_postgres
from harness.waiting import wait_until
from offload.errors import LeaseHeld
from offload.watermarks.store import WatermarkStore
from tests.support import pgbouncer

MODES = ["session", "transaction"]
Store = Callable[..., WatermarkStore]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A database of a Postgres of its own."""
    if not pgbouncer.is_available():
        pytest.skip("PgBouncer is not installed")
    with running_postgres() as server:
        yield new_database(server).replace("postgresql://", "postgresql+psycopg://")


def store(url: str, owner: str, lease: float = 60) -> WatermarkStore:
    """A store at this address."""
    return WatermarkStore(url, lease, 8, owner)


@pytest.mark.parametrize("mode", MODES)
def test_a_living_run_keeps_its_table(database: str, mode: str) -> None:
    """In transaction mode the sessions of both runs are one backend: the lock says nothing, the heartbeat does."""
    before = pgbouncer.advisory_locks(database)
    with pgbouncer.pooled(database, mode) as url:
        first, second = store(url, "first"), store(url, "second")
        with first.claim(f"t_{mode}", "1") as lease:
            for _ in range(3):
                with pytest.raises(LeaseHeld, match="run of first"), second.claim(f"t_{mode}", "2"):
                    pass
            lease.check()
            lease.beat()

        # While the pooler is still running: when it ends, its sessions end, and with them every lock.
        def released() -> bool:
            return pgbouncer.advisory_locks(database) == before

        wait_until(released, lambda: f"expected {before} locks; a lock stayed in the pool", 10)


def test_a_run_that_ended_without_a_word_is_replaced_after_its_lease(database: str) -> None:
    """Behind the pooler nobody knows that its process is gone: the heartbeat decides."""
    with pgbouncer.pooled(database, "transaction") as url:
        with store(url, "first", lease=60).claim("dead", "1"):
            pass  # releases its lock, and records nothing: the row says running
        with pytest.raises(LeaseHeld), store(url, "second", lease=60).claim("dead", "2"):
            pass
        with store(url, "third", lease=0.001).claim("dead", "3") as lease:
            assert lease.epoch == 2


@pytest.mark.parametrize("mode", MODES)
def test_a_direct_run_and_a_pooled_one_respect_each_other(database: str, mode: str) -> None:
    """Whichever comes first."""
    with pgbouncer.pooled(database, mode) as url:
        direct, pooled = store(database, "direct"), store(url, "pooled")
        for table, first, second in ((f"a_{mode}", direct, pooled), (f"b_{mode}", pooled, direct)):
            with first.claim(table, "1"), pytest.raises(LeaseHeld), second.claim(table, "2"):
                pass


def test_two_clusters_share_a_store_without_meeting(database: str) -> None:
    """Tables of one name in two clusters have a row and a lease each."""
    east, west = (WatermarkStore(database, 60, 8, name, name) for name in ("east", "west"))

    with east.claim("trades", "1"), west.claim("trades", "2"):
        rows = {row["table_name"] for row, _ in east.rows_with_lag()}

    assert {"east/trades", "west/trades"} <= rows
    assert east.read("trades") is not None
    assert store(database, "default").read("trades") is None
