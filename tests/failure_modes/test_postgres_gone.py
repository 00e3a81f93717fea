from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from harness.faults.injected import injected
from harness.faults.kill import Kill
from harness.faults.lose_answer import LoseAnswer, proxied
from harness.scenarios.scenario import Scene
from harness.stack.service import Service
from harness.stack.stack import Stack


@pytest.mark.failure_modes("FM-13")
def test_postgres_killed_between_publish_and_record_is_repaired_from_the_table(scene: Scene, stack: Stack) -> None:
    """The batch is published and the store does not know it: the next run publishes nothing twice and corrects it."""
    scene.add("pgtest-", 1_000, 9_700_000)
    mark = scene.watermark()

    with scene.frozen("before:record") as run, injected(Kill(Service.POSTGRES), stack, scene.history):
        run.thaw()
        failed = run.wait()
    grown, behind = scene.cold_rows("pgtest-"), scene.place.watermark_row()
    scene.recovers()

    assert failed.returncode == 69, failed.stderr
    assert (grown, behind["watermark_ticks"]) == (1_000, mark)
    assert scene.cold_rows("pgtest-") == 1_000


@pytest.mark.failure_modes("FM-13")
def test_a_commit_whose_answer_is_lost_counts_once(scene: Scene, stack: Stack) -> None:
    """The catalog commits and the connection is cut before it can say so: the run looks, and finds its own batch."""
    scene.add("losttest-", 1_000, 9_800_000)
    before = len(scene.snapshots())
    url = make_url(scene.place.catalog_uri)

    with proxied(lambda: socket.create_connection((url.host, url.port))) as proxy:
        detour = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with injected(LoseAnswer(proxy), stack, scene.history, in_wait=True):
            done = replace(scene, place=scene.place.having(catalog_uri=detour)).run()
    published = len(scene.snapshots()) - before
    scene.recovers()

    assert (done.returncode, published) == (0, 1), done.stderr
    assert scene.cold_rows("losttest-") == 1_000
