"""Whether a commit and its answer arrive or not, rows are published once or not at all."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ServerError
from sqlalchemy.exc import OperationalError

from harness.checkers.snapshots import check_nothing_added
from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.iceberg import read_history
from harness.subjects.offload_cli import TOKEN
from harness.verdict import assert_all
from harness.waiting import wait_until
from offload.errors import Fenced, OutcomeUnknown, Unavailable
from offload.iceberg.catalog import ObservedCatalog
from offload.results import RunResult
from tests.support.offload import check_invariants

REAL = ObservedCatalog.commit_table
ERRORS = {
    "database_gone": lambda: OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly")),
    "conflict": lambda: CommitFailedException("Table has been updated by another process"),
    "unknown": lambda: CommitStateUnknownException("504 Gateway Timeout"),
    "server_error": lambda: ServerError("500"),
    "socket": lambda: ConnectionResetError("Connection reset by peer"),
}


class Commit:
    """Replaces `commit_table`: the first `times` calls raise `error`; they commit if `lands`."""

    def __init__(self, error: Callable[[], Exception], *, lands: bool, times: int = 1) -> None:
        self.error, self.lands, self.left, self.raised = error, lands, times, 0

    def __call__(self, catalog: ObservedCatalog, *request: Any) -> Any:
        """Commit if `lands`, and lose the answer."""
        if not self.left:
            return REAL(catalog, *request)
        self.left -= 1
        if self.lands:
            REAL(catalog, *request)
        self.raised += 1
        raise self.error()

    def into(self, patch: pytest.MonkeyPatch) -> Commit:
        """Replace `commit_table` with this object."""
        patch.setattr(ObservedCatalog, "commit_table", lambda *request: self(*request))  # noqa: PLW0108 - bound to the catalog
        return self


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("batch_rows", ["25000000", "500"])
def test_a_commit_that_landed_counts_although_its_answer_was_lost(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    batch_rows: str,
) -> None:
    """The run reads the table, finds its own token, and goes on."""
    environment = new_environment(batch_rows=batch_rows)
    commit = Commit(ERRORS[error], lands=True).into(monkeypatch)

    result = offload(environment)

    assert commit.raised == 1
    assert (result.exit_code, result.tables[0].rows) == (0, 1200), result.tables[0].error
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("error", ["database_gone", "socket"])
def test_a_commit_that_failed_is_an_error_and_the_next_run_is_exact(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
    error: str,
) -> None:
    """Nothing is published, the exit code is not 0, and the next run succeeds."""
    environment = new_environment()
    assert offload(environment, until=hot["one"][1].time_at(0.499)).exit_code == 0
    before = read_history(environment.cold, token=TOKEN)
    commit = Commit(ERRORS[error], lands=False).into(monkeypatch)

    failed = offload(environment)
    after = read_history(environment.cold, token=TOKEN)
    next_run = offload(environment)

    assert commit.raised == 1
    assert failed.exit_code in {69, 75}, failed.tables[0].error
    assert failed.tables[0].rows == 0
    assert_all(check_nothing_added(before, after))
    assert (next_run.exit_code, next_run.tables[0].rows) == (0, 600)
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_conflict_without_another_commit_is_tried_again(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The table has not changed, so the same commit is sent again."""
    environment = new_environment()
    commit = Commit(ERRORS["conflict"], lands=False, times=2).into(monkeypatch)

    result = offload(environment)

    assert commit.raised == 2
    assert result.exit_code == 0
    assert_all(check_invariants(environment, hot["one"][2]))


def test_a_conflict_without_end_ends_with_75(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The number of attempts is limited, and the next run is exact."""
    environment = new_environment()
    commit = Commit(ERRORS["conflict"], lands=False, times=1000).into(monkeypatch)
    failed = offload(environment)
    commit.left = 0

    next_run = offload(environment)

    assert commit.raised > 1
    assert failed.exit_code == 75
    assert next_run.exit_code == 0
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("lands", [True, False])
def test_an_unknown_outcome_ends_with_75_and_the_next_run_reads_the_table(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
    lands: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The catalog loses the commit's answer and fails: the run neither tries again nor deletes a file."""
    environment = new_environment()
    gone = ERRORS["database_gone"]
    with monkeypatch.context() as patch:
        commit = Commit(gone, lands=lands).into(patch)
        load = ObservedCatalog.load_table

        def unseen(catalog: ObservedCatalog, identifier: Any) -> Any:
            if commit.raised:
                raise gone()
            return load(catalog, identifier)

        patch.setattr(ObservedCatalog, "load_table", unseen)
        failed = offload(environment).tables[0]
    next_run = offload(environment).tables[0]

    assert failed.error is not None
    assert (failed.exit_code, failed.error["kind"]) == (75, OutcomeUnknown.__name__)
    assert (next_run.exit_code, next_run.rows) == (0, 0 if lands else 1200)
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("seen", ["nothing", "another_token"])
def test_a_commit_that_was_accepted_is_read_back_before_it_counts(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
    seen: str,
) -> None:
    """A catalog that accepts the commit and has no answer then, or lost it, ends with 75; the next run is exact."""
    environment = new_environment()
    accepted: list[Any] = []
    load, gone = ObservedCatalog.load_table, ERRORS["database_gone"]

    def commit(catalog: ObservedCatalog, table: Any, *request: Any) -> Any:
        if seen == "nothing":
            accepted.append(REAL(catalog, table, *request))
        else:
            accepted.append(None)  # a catalog that loses what it accepted

    def read(catalog: ObservedCatalog, identifier: Any) -> Any:
        if accepted and seen == "nothing":
            raise gone()
        return load(catalog, identifier)

    with monkeypatch.context() as patch:
        patch.setattr(ObservedCatalog, "commit_table", commit)
        patch.setattr(ObservedCatalog, "load_table", read)
        failed = offload(environment).tables[0]
    next_run = offload(environment).tables[0]

    assert failed.error is not None
    kind = OutcomeUnknown if seen == "nothing" else Fenced
    assert (failed.exit_code, failed.error["kind"], failed.rows) == (75, kind.__name__, 0)
    assert (next_run.exit_code, next_run.rows) == (0, 0 if seen == "nothing" else 1200)
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("late", ["before_the_next_run", "after_the_next_run"])
def test_a_commit_that_arrives_after_its_run_gave_up_is_refused_or_counts_once(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    monkeypatch: pytest.MonkeyPatch,
    late: str,
) -> None:
    """The call has timed out while its request is still on its way; whenever it arrives, no row is in cold twice."""
    environment = new_environment(timeout="2")
    go, arrived = Event(), Event()

    def delayed(catalog: ObservedCatalog, *request: Any) -> Any:
        monkeypatch.setattr(ObservedCatalog, "commit_table", REAL)
        go.wait(30)
        try:
            return REAL(catalog, *request)
        finally:
            arrived.set()

    monkeypatch.setattr(ObservedCatalog, "commit_table", delayed)
    failed = offload(environment).tables[0]
    next_run = offload(environment).tables[0] if late == "after_the_next_run" else None
    go.set()
    wait_until(arrived.is_set, lambda: "the late commit never arrived", timeout=20)
    last = offload(environment).tables[0]

    assert failed.error is not None
    assert failed.error["kind"] in {Unavailable.__name__, OutcomeUnknown.__name__}
    assert (last.exit_code, last.rows) == (0, 0)
    assert next_run is None or next_run.rows == 1200
    assert_all(check_invariants(environment, hot["one"][2]))
