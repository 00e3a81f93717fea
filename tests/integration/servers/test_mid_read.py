"""A run is in mid stream by the server's word, or the test has tried nothing."""

from __future__ import annotations

import pytest

from harness.environments.servers import placed
from harness.scenarios.mid_read import freeze_in_mid_stream
from harness.stack.stack import Stack
from harness.subjects.offload_cli import start_offload
from harness.trades.tagged import Trades


def test_a_run_whose_rows_all_fit_into_the_connection_is_not_in_mid_stream(stack: Stack) -> None:
    """Caught or not, everything had been sent: UNKNOWN, when it has ended as if nobody had looked."""
    with placed(stack) as place:
        place.insert(Trades(100))
        with start_offload(["run", place.table], place.env) as run:
            with pytest.raises(AssertionError, match=r"UNKNOWN.*mid stream"):
                freeze_in_mid_stream(run, place.dsn)
            ended = run.wait()

    assert ended.returncode == 0, ended.stderr
