from __future__ import annotations

import pytest

from harness.faults.injected import injected
from harness.faults.stop import Stop
from harness.scenarios.scenario import MID_STREAM, Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack


@pytest.mark.failure_modes("FM-01")
def test_clickhouse_stopped_while_it_sends_rows_loses_no_row(scenario: Scenario, stack: Stack) -> None:
    """Five hundred rows among a million: the run ends with 69, the watermark does not change, the next run is exact."""
    mark = scenario.watermark()
    scenario.insert_tagged("nettest-", 500, 9_000_000)

    with scenario.frozen(MID_STREAM) as run, injected(Stop(Service.CLICKHOUSE), stack, scenario.history):
        run.thaw()
        failed = run.wait()
        kept = scenario.watermark()
    grown = scenario.cold_rows("nettest-")
    scenario.check_recovery()

    assert failed.returncode == 69, failed.stderr
    assert (kept, grown) == (mark, 0)
    assert scenario.cold_rows("nettest-") == 500
