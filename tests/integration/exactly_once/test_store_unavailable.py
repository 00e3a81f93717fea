"""The watermark store vanishes between PUBLISH and RECORD: what was published stays, and the next run records it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.invariants import promised
from harness.environments.embedded import Site
from harness.environments.embedded_postgres import running_postgres
from harness.subjects.listeners import Meanwhile
from harness.subjects.offload_cli import start_offload
from harness.verdict import assert_all
from offload.results import RunResult


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that the test may stop."""
    with running_postgres() as server:
        yield server


@pytest.mark.parametrize("moment", ["after:publish", "before:record"])
def test_a_store_that_is_unreadable_after_publish_is_repaired_forward(
    site: Callable[..., Site], hot: dict[str, Any], offload: Callable[..., RunResult], moment: str
) -> None:
    """The run fails and says what it has published; the next one finds no row to move and repairs the store."""
    place = site()
    store, aside = place.folder / "watermarks.db", place.folder / "aside.db"
    gone = Meanwhile(moment, lambda: (store.rename(aside), store.mkdir()))

    failed = offload(place, listeners=[gone])
    store.rmdir()
    aside.rename(store)
    next_run = offload(place)

    assert gone.happened
    assert failed.exit_code in {69, 78}
    says_what_it_published(failed, 1200)
    repaired_forward(next_run)
    assert_all(promised(place, hot["one"][2]))


def test_a_store_that_is_lost_after_publish_is_made_anew(
    site: Callable[..., Site], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """Its file is deleted: epochs go on from the table's, and the watermark is the table's."""
    place = site()
    assert offload(place, until=hot["one"][1].moment(0.3)).exit_code == 0
    assert offload(place, until=hot["one"][1].moment(0.6)).exit_code == 0
    lost = Meanwhile("after:publish", (place.folder / "watermarks.db").unlink)

    failed = offload(place, listeners=[lost])
    next_run = offload(place)

    assert lost.happened
    assert failed.exit_code == 69
    says_what_it_published(failed, failed.tables[0].rows)
    repaired_forward(next_run)
    assert place.watermark_row()["epoch"] > 3
    assert_all(promised(place, hot["one"][2]))


def test_a_postgres_that_stops_after_publish_is_repaired_forward(
    site: Callable[..., Site], hot: dict[str, Any], offload: Callable[..., RunResult], own_postgres: Any
) -> None:
    """A child that stands still after PUBLISH finds the server gone: exit 69, and the next run records."""
    place = replace(site(), watermarks_url=own_postgres.get_uri())

    with start_offload(["run", place.table, "--json"], place.env, at="after:publish", action="freeze") as child:
        child.wait_frozen()
        own_postgres.stop()
        child.thaw()
        failed = child.wait()
    own_postgres.ensure_postgres_running()
    next_run = offload(place)

    assert (failed.returncode, failed.landed) == (69, True), failed.stderr[-600:]
    (table,) = json.loads(failed.stdout)["tables"]
    assert (table["rows"], table["watermark"]["sequence"]) == (1200, 1200)
    repaired_forward(next_run)
    assert_all(promised(place, hot["one"][2]))


def test_the_error_says_that_rows_were_published(site: Callable[..., Site], offload: Callable[..., RunResult]) -> None:
    """Whoever reads nothing but the message must not think that the run did nothing."""
    place = site()
    gone = Meanwhile("after:publish", lambda: (place.folder / "watermarks.db").write_bytes(b"no database" * 1000))

    failed = offload(place, listeners=[gone]).tables[0]

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
    """The next run moves nothing and says that it has repaired the store."""
    table = next_run.tables[0]
    assert (table.exit_code, table.status, table.rows) == (0, "nothing_new", 0), table.error
    assert any("repaired" in warning for warning in table.warnings)
