from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from harness.faults.injected import injected
from harness.faults.kill import Kill
from harness.faults.lose_answer import LoseAnswer, proxied
from harness.scenarios.scenario import Scenario
from harness.stack.service import Service
from harness.stack.stack import Stack


@pytest.mark.failure_modes("FM-13")
def test_postgres_killed_between_publish_and_record_is_repaired_from_the_table(
    scenario: Scenario, stack: Stack
) -> None:
    """The batch is published and the store has no record of it: the next run repeats no row and repairs the store."""
    scenario.insert_tagged("pgtest-", 1_000, 9_700_000)
    mark = scenario.watermark()

    with scenario.frozen("before:record") as run, injected(Kill(Service.POSTGRES), stack, scenario.history):
        run.thaw()
        failed = run.wait()
    grown, behind = scenario.cold_rows("pgtest-"), scenario.environment.watermark_row()
    scenario.check_recovery()

    assert failed.returncode == 69, failed.stderr
    assert (grown, behind["watermark_ticks"]) == (1_000, mark)
    assert scenario.cold_rows("pgtest-") == 1_000


@pytest.mark.failure_modes("FM-13")
def test_a_commit_whose_answer_is_lost_counts_once(scenario: Scenario, stack: Stack) -> None:
    """The catalog commits, and the connection is closed before the answer: the run finds its batch in the table."""
    scenario.insert_tagged("losttest-", 1_000, 9_800_000)
    before = len(scenario.snapshots())
    url = make_url(scenario.environment.catalog_uri)

    with proxied(lambda: socket.create_connection((url.host, url.port))) as proxy:
        detour = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with injected(LoseAnswer(proxy), stack, scenario.history, armed=True):
            done = replace(scenario, environment=scenario.environment.with_settings(catalog_uri=detour)).run()
    published = len(scenario.snapshots()) - before
    scenario.check_recovery()

    assert (done.returncode, published) == (0, 1), done.stderr
    assert scenario.cold_rows("losttest-") == 1_000
