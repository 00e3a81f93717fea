"""The watermark store fails between PUBLISH and RECORD: the batch stays published, and the next run records it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.environments.embedded_postgres import running_postgres
from harness.subjects.listeners import CallOnce
from harness.verdict import assert_all
from offload.results import RunResult
from tests.support.offload import check_invariants, start_offload


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that the test may stop."""
    with running_postgres() as server:
        yield server


@pytest.mark.parametrize("event", ["after:publish", "before:record"])
def test_a_store_that_is_unreadable_after_publish_is_repaired_forward(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """The run fails and reports the published rows; the next run publishes no row and repairs the store."""
    environment = new_environment()
    store, aside = environment.folder / "watermarks.db", environment.folder / "aside.db"
    gone = CallOnce(event, lambda: (store.rename(aside), store.mkdir()))

    failed = offload(environment, listeners=[gone])
    store.rmdir()
    aside.rename(store)
    next_run = offload(environment)

    assert gone.happened
    assert failed.exit_code in {69, 78}
    says_what_it_published(failed, 1200)
    repaired_forward(next_run)
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_store_that_is_lost_after_publish_is_created_again(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """Its file is deleted: the epoch continues after the table's, and the watermark is the table's."""
    environment = new_environment()
    assert offload(environment, until=hot["one"][1].time_at(0.3)).exit_code == 0
    assert offload(environment, until=hot["one"][1].time_at(0.6)).exit_code == 0
    lost = CallOnce("after:publish", (environment.folder / "watermarks.db").unlink)

    failed = offload(environment, listeners=[lost])
    next_run = offload(environment)

    assert lost.happened
    assert failed.exit_code == 69
    says_what_it_published(failed, failed.tables[0].rows)
    repaired_forward(next_run)
    assert environment.watermark_row()["epoch"] > 3
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_postgres_that_stops_after_publish_is_repaired_forward(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    own_postgres: Any,
) -> None:
    """The server stops while a child is frozen after PUBLISH: exit 69, and the next run records."""
    environment = replace(new_environment(), watermarks_url=own_postgres.get_uri())

    with start_offload(["run", environment.table, "--json"], environment, at="after:publish", action="freeze") as child:
        child.wait_frozen()
        own_postgres.stop()
        child.thaw()
        failed = child.wait()
    own_postgres.ensure_postgres_running()
    next_run = offload(environment)

    assert (failed.returncode, failed.fault_fired) == (69, True), failed.stderr[-600:]
    (table,) = json.loads(failed.stdout)["tables"]
    assert (table["rows"], table["watermark"]["sequence"]) == (1200, 1200)
    repaired_forward(next_run)
    assert_all(check_invariants(environment, hot["one"][2]))


def test_the_error_says_that_rows_were_published(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult]
) -> None:
    """The message alone shows that rows were published."""
    environment = new_environment()
    gone = CallOnce("after:publish", lambda: (environment.folder / "watermarks.db").write_bytes(b"no database" * 1000))

    failed = offload(environment, listeners=[gone]).tables[0]

    assert gone.happened
    assert failed.exit_code
    assert "published" in str(failed.error) or any("published" in warning for warning in failed.warnings)


def says_what_it_published(failed: RunResult, rows: int) -> None:
    """The result of a failed run has the rows and the watermark."""
    table = failed.tables[0]
    assert table.rows == rows > 0
    assert table.watermark is not None
    assert table.watermark["sequence"] == 1200


def repaired_forward(next_run: RunResult) -> None:
    """The next run publishes no row and reports that it repaired the store."""
    table = next_run.tables[0]
    assert (table.exit_code, table.status, table.rows) == (0, "nothing_new", 0), table.error
    assert any("repaired" in warning for warning in table.warnings)
