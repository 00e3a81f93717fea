"""The lease: a running run keeps its table, a killed run loses it at once, a frozen run after its lease."""

from __future__ import annotations

import gc
import os
import re
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from harness.child_process import Completed
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers import clickhouse
from harness.subjects.listeners import CallOnce
from harness.verdict import assert_all
from harness.waiting import wait_until
from offload.errors import LeaseHeld
from offload.protocol.adapters import Adapters
from offload.results import RunResult
from offload.tables import declarations
from offload.watermarks.locks import FileLocks
from tests.support.offload import check_invariants, run_offload, start_offload

STORES = ["sqlite", "postgres"]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("event", ["after:claim", "at:file_written"])
def test_a_living_run_keeps_its_table(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
    event: str,
) -> None:
    """A second run ends with 75 and names the owner and the start, before it opens the chDB folder."""
    environment, others = new_environment(store=store), []
    second = CallOnce(event, lambda: others.append(run_offload(["run", environment.table], environment)))

    first = offload(environment, listeners=[second])

    other: Completed = others[0]
    assert other.returncode == 75, other.stderr
    assert "LeaseHeld" in other.stderr
    assert re.search(rf"run of \S+:{os.getpid()}, epoch 1, since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ", other.stderr)
    assert first.exit_code == 0
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("store", STORES)
def test_a_run_longer_than_its_lease_keeps_its_table(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    adapters: Callable[[EmbeddedEnvironment], AbstractContextManager[Adapters]],
    store: str,
) -> None:
    """Heartbeats renew the lease: after twice its time the table is still not free."""
    environment, refused = new_environment(store=store, lease="1"), []

    def wait_and_claim() -> None:
        start = time.monotonic()
        wait_until(lambda: time.monotonic() - start > 2, lambda: "the clock does not advance", timeout=10)
        with (
            adapters(environment) as other,
            pytest.raises(LeaseHeld) as error,
            other.watermarks.claim(environment.table, "other"),
        ):
            pass
        refused.append(error.value)

    waiting = CallOnce("before:write", wait_and_claim)
    result = offload(environment, listeners=[waiting])

    assert waiting.happened, result.tables[0].error
    assert refused
    assert result.exit_code == 0
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("store", STORES)
def test_a_killed_run_is_taken_over_at_once(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """Its lease would last an hour; its lock ended with the process. The history has the status `died`."""
    environment = new_environment(store=store, lease="1h")
    killed = run_offload(["run", environment.table], environment, at="after:verify")

    result = offload(environment)

    assert (killed.killed, killed.fault_fired) == (True, True)
    assert result.exit_code == 0, result.tables[0].error
    assert [(run["epoch"], run["status"]) for run in environment.runs()] == [(1, "died"), (2, "success")]
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("store", STORES)
def test_a_frozen_run_loses_its_table_when_its_lease_is_over_and_not_before(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """Its process still has the lock, so only its heartbeats show that it is frozen."""
    environment = new_environment(store=store, lease="2")
    with start_offload(["run", environment.table], environment, at="after:claim", action="freeze") as frozen:
        frozen.wait_frozen()
        start = time.monotonic()
        early = offload(environment)
        wait_until(lambda: offload(environment).exit_code == 0, lambda: "the lease never ran out", timeout=20)
        waited = time.monotonic() - start

    assert early.exit_code == 75
    assert 1 < waited < 10
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_second_claim_at_the_same_time_finds_the_lock_of_the_first(tmp_path: Path) -> None:
    """Of two claims at once, the second one tries the next epoch, and must then find the first run alive."""
    locks = FileLocks(tmp_path / "watermarks.db")
    first = locks.try_lock("trades", 1)
    second = locks.try_lock("trades", 2)
    assert first is not None
    assert second is not None
    second.release()

    assert locks.held("trades", 1)

    first.release()


def test_a_chdb_folder_that_another_process_has_open_ends_with_75(
    new_environment: Callable[..., EmbeddedEnvironment],
) -> None:
    """The other process will end: it is no bug (70), and the same command succeeds later."""
    environment = new_environment()
    with clickhouse.opened(environment.dsn):
        busy = run_offload(["run", environment.table], environment)

    free = run_offload(["run", environment.table], environment)

    assert busy.returncode == 75, busy.stderr[-600:]
    assert free.returncode == 0


def test_a_chdb_folder_that_cannot_be_opened_ends_with_78(
    new_environment: Callable[..., EmbeddedEnvironment], tmp_path: Path
) -> None:
    """A file where the folder should be: waiting does not help, a person must act."""
    environment = new_environment()
    (tmp_path / "file").write_text("no folder")

    ended = run_offload(
        ["run", environment.table, "--json"],
        environment,
        changed={"OFFLOAD_CLICKHOUSE_DSN": f"chdb:///{tmp_path}/file/clickhouse?database=default"},
    )

    assert ended.returncode == 78, ended
    assert "a usable chDB folder" in ended.stdout
    assert "OFFLOAD_CLICKHOUSE_DSN" in ended.stdout


def test_a_run_leaves_no_connection_open(
    new_environment: Callable[..., EmbeddedEnvironment],
    adapters: Callable[[EmbeddedEnvironment], AbstractContextManager[Adapters]],
) -> None:
    """An orchestrator that imports the API and runs every 15 minutes must not use up Postgres's connections."""
    environment = new_environment(store="postgres")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        with adapters(environment) as opened:
            spec = declarations.load(None)[environment.table]
            with opened.watermarks.claim(environment.table, "run"):
                opened.lake.load(spec)
        del opened
        gc.collect()

    assert [str(one.message) for one in warned if "psycopg" in str(one.message)] == []
