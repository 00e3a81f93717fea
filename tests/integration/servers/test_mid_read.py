"""Only the server's process list proves that a run is reading a stream."""

from __future__ import annotations

import pytest

from harness.environments.servers import server_environment
from harness.scenarios.mid_read import freeze_in_mid_stream
from harness.stack.stack import Stack
from harness.trades.tagged import TaggedTrades
from tests.support.offload import start_offload


def test_a_run_whose_rows_fit_into_the_connection_is_not_reading_a_stream(stack: Stack) -> None:
    """All rows were sent at once: the result is UNKNOWN when the run has ended."""
    with server_environment(stack) as environment:
        environment.insert(TaggedTrades(100))
        with start_offload(["run", environment.table], environment) as run:
            with pytest.raises(AssertionError, match=r"UNKNOWN.*a run that reads a stream; found it ended"):
                freeze_in_mid_stream(run, environment.dsn)
            ended = run.wait()

    assert ended.returncode == 0, ended.stderr
