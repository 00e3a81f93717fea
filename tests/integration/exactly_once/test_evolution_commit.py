"""The commit that lets cold follow hot's columns: kills, lost answers, other writers, and runs that loaded before."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.types import StringType

from harness.environments.embedded import EmbeddedEnvironment
from harness.readers import clickhouse
from harness.readers.arrow import Table
from harness.readers.clickhouse import read_hot
from harness.readers.iceberg import read_history
from harness.subjects.listeners import CallOnce
from harness.verdict import assert_all
from offload.errors import Unavailable
from offload.iceberg.catalog import ObservedCatalog
from offload.model.table import TableSpec
from offload.results import RunResult
from tests.integration.exactly_once.test_concurrent_runs import at_once, outputs
from tests.integration.exactly_once.test_frozen_run import LEASE, run_after_the_lease
from tests.support.embedded import START, Embedded
from tests.support.offload import check_invariants, run_offload, start_offload

SHIPPED = Path(__file__).parents[3] / "offload" / "tables" / "bronze_trades_binance.toml"
HALF = 600
EVOLVES = TableSpec("t", "t", "cold.t", "bronze", "ts", "seq", key=("seq",), on_schema_change="evolve")
REAL = ObservedCatalog.commit_table


def overdue() -> Unavailable:
    """A call that was not answered in time."""
    error = Unavailable("an answer", "no answer", "run the command again")
    error.overdue = True
    return error


ERRORS: dict[str, Callable[[], Exception]] = {
    "conflict": lambda: CommitFailedException("409 of a proxy that asked twice"),
    "unknown": lambda: CommitStateUnknownException("504 Gateway Timeout"),
    "overdue": overdue,
}


def half_published(
    environment: EmbeddedEnvironment, made: Any, offload: Callable[..., RunResult]
) -> EmbeddedEnvironment:
    """Half of the trades are in cold, and the table is declared with `evolve`."""
    folder = environment.folder / "tables"
    folder.mkdir()
    (folder / SHIPPED.name).write_text(f'on_schema_change = "evolve"\n{SHIPPED.read_text()}')
    declared = environment.with_settings(tables=str(folder))
    assert offload(declared, until=made.time_at(0.499)).tables[0].rows == HALF
    return declared


def add_column(environment: EmbeddedEnvironment, made: Any) -> Table:
    """Hot gets a column, which has values in the rows that are not in cold yet; return the rows of hot."""
    unpublished = f"exchange_timestamp > parseDateTime64BestEffort('{made.time_at(0.499)}', 6, 'UTC')"
    with clickhouse.opened(environment.dsn) as client:
        client.command(f"ALTER TABLE {environment.table} ADD COLUMN venue Nullable(String) AFTER symbol")
        client.command(
            f"ALTER TABLE {environment.table} UPDATE venue = 'X' WHERE {unpublished} SETTINGS mutations_sync = 2"
        )
    return read_hot(environment.hot, final=True)


def added_rows(environment: EmbeddedEnvironment) -> Sequence[int]:
    """The rows that each snapshot of cold has added."""
    return [record.added_rows for record in read_history(environment.cold)]


@pytest.mark.parametrize("event", ["at:metadata_written", "after:recover", "at:file_written", "after:publish"])
def test_the_next_run_is_exact_after_a_kill_around_the_commit(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Before it, cold is as it was and the next run evolves; after it, the next run has nothing to evolve."""
    _, made, _ = hot["one"]
    environment = half_published(new_environment(), made, offload)
    expected = add_column(environment, made)

    killed = run_offload(["run", environment.table], environment, at=event)
    left = added_rows(environment)
    result = offload(environment).tables[0]

    assert (killed.killed, killed.fault_fired) == (True, True), killed
    evolved, moved = event != "at:metadata_written", event == "after:publish"
    assert left == [HALF, *([0] if evolved else []), *([HALF] if moved else [])]
    assert (result.exit_code, result.rows) == (0, 0 if moved else HALF), result.error
    assert result.schema_changes == (() if evolved else ("add venue string",))
    assert added_rows(environment) == [HALF, 0, HALF]
    assert_all(check_invariants(environment, expected))


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_of_two_runs_at_once_one_evolves(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """The lease lets one go on; the other ends with 75, or finds nothing to do."""
    _, made, _ = hot["one"]
    environment = half_published(new_environment(store=store), made, offload)
    expected = add_column(environment, made)

    ended = at_once((environment.table, environment), (environment.table, environment.beside()))

    assert sorted(one.returncode for one in ended) in ([0, 0], [0, 75]), outputs(ended)
    assert added_rows(environment) == [HALF, 0, HALF]
    assert_all(check_invariants(environment, expected))


@pytest.mark.parametrize("event", ["before:publish", "at:metadata_written"])
def test_a_run_that_loaded_the_table_before_publishes_nothing(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Its files lack the column. It is frozen, another run evolves cold, and then the frozen one is fenced."""
    _, made, _ = hot["one"]
    environment = half_published(new_environment(lease=LEASE), made, offload)
    other = environment.beside()
    expected = add_column(other, made)

    with start_offload(["run", environment.table], environment, at=event, action="freeze") as frozen:
        frozen.wait_frozen()
        # It moves no row: only the commit that evolves can fence the frozen run.
        taken_over = run_after_the_lease(lambda where: offload(where, until=made.time_at(0.499)), other)
        frozen.thaw()
        ended = frozen.wait()

    assert (taken_over.tables[0].rows, taken_over.tables[0].schema_changes) == (0, ("add venue string",))
    assert (ended.returncode, ended.fault_fired) == (75, True), ended.stderr[-600:]
    assert added_rows(environment) == [HALF, 0]
    assert offload(other).tables[0].rows == HALF
    assert_all(check_invariants(other, expected))


@pytest.fixture
def published(stage: Embedded) -> Embedded:
    """Ten rows are in cold; hot has got a column since, and five rows more."""
    stage.sql("CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt32, n Int32) ENGINE = MergeTree ORDER BY seq")
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number, -number FROM numbers(10)")
    assert stage.run(EVOLVES).rows == 10
    stage.sql("ALTER TABLE t ADD COLUMN venue Nullable(String), MODIFY COLUMN n Int64")
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number, -number, 'X' FROM numbers(10, 5)")
    return stage


def check_exact(stage: Embedded) -> None:
    """Fifteen rows, of which the last five have the column; two commits with rows and one without."""
    rows = stage.cold(EVOLVES).sort_by("seq").to_pydict()
    assert rows["n"] == [-number for number in range(15)]
    assert rows["venue"] == [None] * 10 + ["X"] * 5
    assert stage.audit(EVOLVES).equal
    assert stage.published(EVOLVES) == 3


@pytest.mark.parametrize("lands", [True, False])
@pytest.mark.parametrize("error", ERRORS)
def test_a_lost_answer_is_handled_as_of_any_other_commit(
    published: Embedded,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    lands: bool,  # noqa: FBT001 - a parameter
) -> None:
    """What landed counts, though its answer was lost; what did not is sent again, or left to the next run."""
    calls = itertools.count()

    def commit(catalog: ObservedCatalog, *request: Any) -> Any:
        if next(calls):
            return REAL(catalog, *request)
        if lands:
            REAL(catalog, *request)
        lost = ERRORS[error]()
        raise lost

    monkeypatch.setattr(ObservedCatalog, "commit_table", commit)
    first = published.run(EVOLVES)
    second = published.run(EVOLVES)

    goes_on = lands or error == "conflict"
    assert (first.exit_code, first.rows) == ((0, 5) if goes_on else (first.exit_code, 0)), first
    assert goes_on == (first.exit_code == 0)
    assert goes_on == bool(first.schema_changes)
    assert (second.exit_code, second.rows) == (0, 0 if goes_on else 5), second
    check_exact(published)


def add_before_the_commit(patch: pytest.MonkeyPatch, stage: Embedded, name: str) -> list[str]:
    """Another engine adds a column to cold right before the first commit is sent; it makes no snapshot."""
    added: list[str] = []

    def commit(catalog: ObservedCatalog, *request: Any) -> Any:
        if not added:
            added.append(name)
            with stage.iceberg(EVOLVES).update_schema() as update:  # by a catalog that is not patched
                update.add_column(name, StringType())
        return REAL(catalog, *request)

    patch.setattr(ObservedCatalog, "commit_table", commit)
    return added


def test_a_column_that_another_engine_adds_meanwhile_is_not_lost(
    published: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the assertion of the schema sees it; the run stops, since hot has no such column."""
    added = add_before_the_commit(monkeypatch, published, "note")

    result = published.run(EVOLVES)

    assert added == ["note"]
    assert (result.exit_code, result.rows) == (65, 0), result
    assert result.error is not None
    assert "note: hot has none, cold string" in result.error["found"]
    assert "note" in published.iceberg(EVOLVES).schema().column_names
    assert published.published(EVOLVES) == 1


def test_the_same_column_added_by_another_engine_meanwhile_is_there_once(
    published: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit is staged again on the table as it is then."""
    added = add_before_the_commit(monkeypatch, published, "venue")

    result = published.run(EVOLVES)

    assert added == ["venue"]
    assert (result.exit_code, result.rows) == (0, 5), result
    check_exact(published)


def test_a_compaction_meanwhile_is_no_obstacle(published: Embedded) -> None:
    """It leaves the rows as they were: the commit is sent again on top of it."""

    def compact() -> None:
        table = published.iceberg(EVOLVES)
        table.append(table.scan().to_arrow().slice(0, 0))

    result = published.run(EVOLVES, listeners=[CallOnce("at:metadata_written", compact)])

    assert (result.exit_code, result.rows, result.schema_changes != ()) == (0, 5, True), result
    assert published.published(EVOLVES) == 4
    assert published.audit(EVOLVES).equal


def test_a_table_without_a_row_evolves_too(stage: Embedded) -> None:
    """Its first token has no watermark, and the next run publishes every row."""
    stage.sql("CREATE TABLE t (ts DateTime64(3, 'UTC'), seq UInt32, n Int32) ENGINE = MergeTree ORDER BY seq")
    assert (stage.run(EVOLVES).exit_code, stage.published(EVOLVES)) == (0, 0)
    stage.sql("ALTER TABLE t ADD COLUMN venue String, MODIFY COLUMN n Int64")

    empty = stage.run(EVOLVES)
    stage.sql(f"INSERT INTO t SELECT {START} + INTERVAL number SECOND, number, -number, 'X' FROM numbers(10)")
    filled, again = stage.run(EVOLVES), stage.run(EVOLVES)

    assert (empty.exit_code, empty.rows, len(empty.schema_changes), empty.watermark) == (0, 0, 2, None), empty
    assert (filled.exit_code, filled.rows, again.exit_code, again.rows) == (0, 10, 0, 0), (filled, again)
    assert stage.cold(EVOLVES).column("venue").to_pylist() == ["X"] * 10
