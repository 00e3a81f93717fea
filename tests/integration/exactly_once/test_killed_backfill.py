"""After SIGKILL at any event of a backfill, the same backfill completes its work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.readers import clickhouse
from harness.readers.clickhouse import HotTableAddress, read_hot
from harness.readers.iceberg import read_history
from harness.trades import tagged
from harness.verdict import assert_all
from offload.model import windows
from offload.model.steps import STEP_EVENTS
from offload.results import RunResult
from tests.support.offload import check_invariants, cold_watermark, published_rows, run_offload

LATE = 50
PUBLISHED = {"after:publish", "before:record", "after:record"}


def with_late_rows(environment: EmbeddedEnvironment, offload: Callable[..., RunResult]) -> list[str]:
    """Publish a table, insert rows an hour below its watermark, and return the command that publishes them."""
    assert offload(environment, late="skip").exit_code == 0
    start = tagged.START - timedelta(hours=1)
    with clickhouse.opened(environment.dsn) as client:
        tagged.insert(client, environment.table, tagged.TaggedTrades(LATE, tag="late-", start=start, step=60_000_000))
    watermark = windows.iso(cold_watermark(environment), windows.MICROSECOND_DIGITS)
    return ["backfill", environment.table, "--from", start.isoformat(), "--to", str(watermark)]


@pytest.mark.parametrize("event", STEP_EVENTS)
def test_the_next_backfill_is_exact_after_a_kill_at_any_event(
    new_environment: Callable[..., EmbeddedEnvironment], offload: Callable[..., RunResult], event: str
) -> None:
    """No row is lost or repeated, the watermark stays, and the next run finds nothing to do."""
    environment = new_environment()
    command = with_late_rows(environment, offload)
    before, mark = sum(published_rows(read_history(environment.cold))), cold_watermark(environment)
    expected: Any = read_hot(HotTableAddress(environment.table, environment.dsn), final=True)

    killed = run_offload(command, environment, at=event)
    grown = sum(published_rows(read_history(environment.cold))) - before
    again = run_offload(command, environment)
    (run,) = offload(environment, late="skip").tables

    assert (killed.killed, killed.fault_fired) == (True, True), killed
    assert grown == (LATE if event in PUBLISHED else 0)
    assert again.returncode == 0, again.stderr
    assert (run.exit_code, run.rows, run.late_rows) == (0, 0, 0), run
    assert cold_watermark(environment) == mark
    assert_all(check_invariants(environment, expected, observed=[mark]))
