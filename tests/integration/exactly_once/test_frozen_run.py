"""A run that is frozen for longer than its lease, and continues after another has finished, publishes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from harness.checkers.snapshots import check_nothing_added
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.iceberg import read_history
from harness.subjects.offload_cli import TOKEN
from harness.verdict import assert_all
from harness.waiting import wait_until
from offload.errors import LeaseHeld, Unavailable
from offload.results import RunResult
from offload.watermarks.store import WatermarkStore
from tests.support.offload import check_invariants, start_offload

LEASE = "2"
CASES = [
    ("sqlite", "first", "before:publish"),
    ("sqlite", "first", "at:metadata_written"),
    ("sqlite", "later", "before:publish"),
    ("sqlite", "later", "at:metadata_written"),
    ("sqlite", "later", "after:claim"),
    ("sqlite", "later", "at:file_written"),
    ("postgres", "later", "before:publish"),
    ("postgres", "later", "at:metadata_written"),
    ("postgres", "first", "at:metadata_written"),
]


@pytest.mark.parametrize(("store", "which", "event"), CASES)
def test_a_frozen_run_that_continues_after_another_has_finished_publishes_nothing(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
    which: str,
    event: str,
) -> None:
    """The other run waits for the end of the lease and publishes; the frozen run ends with 75."""
    _, made, expected = hot["one"]
    environment = new_environment(store=store, lease=LEASE)
    if which == "later":
        assert offload(environment, until=made.time_at(0.4)).exit_code == 0
    other = environment.beside()

    with start_offload(["run", environment.table], environment, at=event, action="freeze") as frozen:
        frozen.wait_frozen()
        refused = offload(other).tables[0]
        taken_over = run_after_the_lease(offload, other)
        before = read_history(environment.cold, token=TOKEN)
        frozen.thaw()
        ended = frozen.wait()

    assert refused.error is not None
    assert refused.error["kind"] == LeaseHeld.__name__
    assert (ended.returncode, ended.fault_fired) == (75, True), ended.stderr[-600:]
    assert taken_over.tables[0].rows
    assert_all(
        check_nothing_added(before, read_history(environment.cold, token=TOKEN)),
        check_invariants(environment, expected),
    )


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_run_that_is_frozen_before_record_leaves_the_store_to_its_successor(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """It has published; its record would be older than the store's, so it ends with 75 and writes nothing."""
    _, made, expected = hot["one"]
    environment = new_environment(store=store, lease=LEASE)
    other = environment.beside()

    argv = ["run", environment.table, "--until", made.time_at(0.4)]
    with start_offload(argv, environment, at="before:record", action="freeze") as frozen:
        frozen.wait_frozen()
        run_after_the_lease(offload, other)
        row = environment.watermark_row()
        frozen.thaw()
        ended = frozen.wait()

    assert (ended.returncode, ended.fault_fired) == (75, True), ended.stderr[-600:]
    assert environment.watermark_row() == row
    assert_all(check_invariants(environment, expected))


def run_after_the_lease(offload: Callable[..., RunResult], environment: EmbeddedEnvironment) -> RunResult:
    """The result of the first run that succeeds: those before the end of the lease do not."""
    results: list[RunResult] = []

    def succeeded() -> bool:
        results.append(offload(environment))
        return results[-1].exit_code == 0

    wait_until(succeeded, lambda: f"expected a run after the lease; found {results[-1].tables[0].error}", timeout=20)
    return results[-1]


def test_a_run_that_freezes_inside_a_transaction_does_not_keep_the_row(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult]
) -> None:
    """Postgres ends the transaction when its client has been silent for the time-out: then others can claim."""
    environment = new_environment(store="postgres", timeout="1s", lease="1")
    assert offload(environment).exit_code == 0
    frozen = WatermarkStore(environment.store_url, lease=1, timeout=1, owner="frozen")
    release = threading.Event()

    def freeze(connection: Connection) -> None:
        connection.execute(text("UPDATE offload_watermarks SET heartbeat_at = now()"))
        release.wait(60)

    try:
        with pytest.raises(Unavailable):
            frozen.call(freeze)
        results: list[RunResult] = []

        def claimed() -> bool:
            results.append(offload(environment))
            return results[-1].exit_code == 0

        wait_until(claimed, lambda: f"expected a run to claim the table; found {results[-1]}", timeout=20)
    finally:
        release.set()
