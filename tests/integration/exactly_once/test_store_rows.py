"""Values in the store that no run can have written: the next run goes on by the Iceberg table, and repairs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from harness.checkers.invariants import check_rows
from harness.environments.embedded import EmbeddedEnvironment
from harness.verdict import assert_all
from offload import api
from offload.results import RunResult
from tests.support.offload import check_invariants, run_offload, settings_of

FAR = 2**63 - 1
# Both databases have them but for the times that only Postgres can store.
ROWS = {
    "an epoch that cannot be raised": f"epoch = {FAR}",
    "a negative epoch": "epoch = -5",
    "a watermark beyond every time": f"watermark_ticks = {FAR}",
    "a watermark before every time": f"watermark_ticks = -{FAR}",
    "a run without a heartbeat": "status = 'running', owner = 'x:1', locked = NULL, "
    "heartbeat_at = NULL, claimed_at = NULL",
    "a run without a claim": "status = 'running', owner = 'x:1', locked = true, claimed_at = NULL",
    "a status that no run writes": "status = 'garbage'",
    "no status": "status = NULL, owner = NULL",
    "a running row of nobody": "status = 'running', owner = NULL",
    "the watermark of another table": "cold_table_uuid = '00000000-0000-4000-8000-000000000000', "
    "watermark_ticks = watermark_ticks + 1000000",
    "a timestamp that never comes": "last_offload_timestamp = 'infinity'",
    "a timestamp before every time": "last_offload_timestamp = '-infinity'",
    "a timestamp BC": "last_offload_timestamp = '0044-03-15 00:00:00+00 BC'",
    "a heartbeat that never comes": "status = 'running', owner = 'x:1', heartbeat_at = 'infinity'",
    "a heartbeat of the future": "status = 'running', owner = 'x:1', locked = false, "
    "heartbeat_at = '2999-01-01 00:00:00', claimed_at = '2999-01-01 00:00:00'",
    "a claim BC": "status = 'running', owner = 'x:1', claimed_at = '0044-03-15 00:00:00+00 BC', heartbeat_at = NULL",
}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_row_that_no_run_wrote_is_repaired(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """Whatever stands there: exit 0, the rows of the window once, and a row that agrees with the table."""
    environment = new_environment(store=store)
    kinds = list(ROWS.items())
    for number, (name, values) in enumerate(kinds):
        assert offload(environment, until=hot["one"][1].time_at(number / len(kinds))).exit_code == 0
        environment.store(f"UPDATE offload_watermarks SET {values} WHERE table_name = :table")

        repaired = api.repair_watermark(environment.table, settings=settings_of(environment))
        assert repaired["agree"], (name, repaired)
        environment.store(f"UPDATE offload_watermarks SET {values} WHERE table_name = :table")

        result = offload(environment, until=hot["one"][1].time_at((number + 0.5) / len(kinds)))
        assert result.exit_code == 0, (name, result.tables[0].error)

    assert offload(environment).exit_code == 0
    assert_all(check_invariants(environment, hot["one"][2]))


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_two_rows_of_a_table_are_refused_with_the_statement(
    new_environment: Callable[..., EmbeddedEnvironment],
    offload: Callable[..., RunResult],
    store: str,
) -> None:
    """A restore without constraints lost the primary key; with one row again the run goes on."""
    environment = new_environment(store=store)
    assert offload(environment).exit_code == 0
    row = environment.watermark_row()
    names = ", ".join(row)
    environment.store("ALTER TABLE offload_watermarks RENAME TO kept")
    environment.store("CREATE TABLE offload_watermarks AS SELECT * FROM kept")
    assert offload(environment).exit_code == 0  # without a key, but with one row
    environment.store(f"INSERT INTO offload_watermarks ({names}) SELECT {names} FROM kept")

    (refused,) = offload(environment).tables

    assert (refused.exit_code, refused.error and refused.error["kind"]) == (65, "DataError"), refused
    assert "2 rows: the primary key was lost" in str(refused.error)
    environment.store("DELETE FROM offload_watermarks WHERE epoch < (SELECT max(epoch) FROM offload_watermarks)")
    assert offload(environment).exit_code == 0


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("event", ["at:metadata_written", "after:publish", None])
def test_a_change_of_the_watermark_is_in_the_log_wherever_it_is_killed(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    store: str,
    event: str | None,
) -> None:
    """Written before the commit, with its snapshot after it; the same command again changes nothing more."""
    environment = new_environment(store=store)
    assert offload(environment).exit_code == 0
    to = hot["one"][1].time_at(1.5)
    command = ["watermark", "set", environment.table, "--to", to, "--reason", "an 'odd' reason", "--yes"]

    first = run_offload(command, environment, at=event) if event else run_offload(command, environment)
    after = api.show_watermark(environment.table, settings=settings_of(environment))["changes"]
    run = offload(environment).tables[0]
    again = run_offload(command, environment)
    shown = api.show_watermark(environment.table, settings=settings_of(environment))

    assert (first.killed, first.returncode == 0) == (event is not None, event is None), first
    assert [(one["reason"], one["snapshot_id"] is not None) for one in after] == [("an 'odd' reason", event is None)]
    assert (run.exit_code, run.rows) == (0, 0), run
    assert (again.returncode, shown["agree"]) == (0, True), again
    assert len(shown["changes"]) == (2 if event == "at:metadata_written" else 1), shown["changes"]
    assert shown["store"]["last_offload_timestamp"].startswith(to[:19]), shown
    assert_all(check_rows(environment, hot["one"][2]))


def test_a_database_that_cannot_be_written_is_78(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult]
) -> None:
    """As on a standby: to wait for it mends nothing."""
    environment = new_environment(store="postgres")
    name = make_url(environment.store_url).database
    environment.store(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    (refused,) = offload(environment).tables

    assert (refused.exit_code, refused.error and refused.error["kind"]) == (78, "ConfigurationError"), refused
    assert "name the primary in OFFLOAD_WATERMARKS_URL" in str(refused.error)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("pool_size=3", "pool_size"),
        ("service=nowhere", "nowhere"),
        ("target_session_attrs=standby", "not in hot standby"),
    ],
)
def test_options_that_libpq_refuses_are_78(
    new_environment: Callable[..., EmbeddedEnvironment],
    offload: Callable[..., RunResult],
    options: str,
    found: str,
) -> None:
    """To wait for it mends nothing."""
    environment = new_environment(store="postgres")
    wrong = f"{environment.store_url}&{options}"

    (refused,) = offload(environment.with_settings(watermarks_url=wrong)).tables

    assert (refused.exit_code, refused.error and refused.error["kind"]) == (78, "ConfigurationError"), refused
    assert found in str(refused.error)
