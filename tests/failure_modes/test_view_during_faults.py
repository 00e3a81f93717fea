"""FM-02: a reader of the view of both tiers, while runs publish, are killed, and sweep late rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harness.checkers.view import check_view
from harness.readers.clickhouse import HotTableAddress
from harness.scenarios.scenario import Scenario
from harness.scenarios.view_reader import ViewReader
from harness.timeline import Milestone
from harness.trades.tagged import TaggedTrades
from harness.verdict import assert_all
from tests.support.offload import run_offload

NEW, LATE = 2_000, 50


@pytest.mark.failure_modes("FM-02")
@pytest.mark.parametrize("event", ["at:metadata_written", "after:publish"])
def test_a_reader_of_the_view_sees_each_trade_once_during_kills_and_sweeps(scenario: Scenario, event: str) -> None:
    """New trades from the moment they are in hot, late ones from the run that sweeps them; each once in every read."""
    environment = scenario.environment
    created = run_offload(["view", environment.table, "--create"], environment)
    assert created.returncode == 0, created.stderr
    reader = ViewReader(
        HotTableAddress(f"{environment.table}_all", environment.dsn),
        "trade_id",
        "startsWith(trade_id, 'viewtest-') OR startsWith(trade_id, 'viewlate-')",
    )
    with reader.reading():
        new = scenario.insert_tagged("viewtest-", NEW, 9_400_000, "ETHUSDT")
        reader.require(f"viewtest-{number}" for number in range(new.first_sequence, new.first_sequence + NEW))
        late = datetime.now(UTC) - timedelta(hours=1)
        environment.insert(TaggedTrades(LATE, start=late, tag="viewlate-", first_sequence=9_450_000, step=1000))
        reader.again()
        scenario.history.record(Milestone.INJECT, fault=f"SIGKILL {event}")
        scenario.record_kill(scenario.run(at=event, nth=2))  # of the sweep first, then of the new rows
        reader.again()
        scenario.check_recovery()
        reader.require(f"viewlate-{number}" for number in range(9_450_000, 9_450_000 + LATE))

    assert_all(check_view(reader.reads))
    assert (scenario.cold_rows("viewtest-"), scenario.cold_rows("viewlate-")) == (NEW, LATE)
