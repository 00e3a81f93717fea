"""Ctrl-C: the run ends at once with 130, says where things stand, and the next run goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.verdict import assert_all
from offload.results import RunResult
from tests.support.offload import check_invariants, start_offload


@pytest.mark.parametrize("event", ["after:recover", "at:file_written", "before:publish", "after:publish"])
def test_an_interrupted_run_says_where_things_stand(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    event: str,
) -> None:
    """Nothing of a batch, or all of it; the lease is free."""
    environment = new_environment("many")
    with start_offload(["run", environment.table], environment, at=event, action="freeze") as run:
        run.wait_frozen()
        os.kill(run.pid, signal.SIGINT)
        run.thaw()
        ended = run.wait()

    assert ended.returncode == 130, ended
    assert "interrupted: whole batches that were published stay" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert offload(environment).exit_code == 0
    assert_all(check_invariants(environment, hot["many"][2]))
