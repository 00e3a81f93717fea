"""Planted bugs prove that the checkers of the protocol tests find violations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.environments.embedded import EmbeddedEnvironment
from harness.readers.iceberg import opened
from harness.verdict import Verdict
from offload.results import RunResult
from tests.support.offload import check_invariants

PLANTED = {
    "UPDATE offload_watermarks SET watermark_ticks = watermark_ticks - 1": "watermark_store",
    "UPDATE offload_watermarks SET last_offload_timestamp = '2024-03-04 00:00:00.000000'": "watermark_store",
    "UPDATE offload_watermarks SET status = 'running'": "watermark_store",
    "UPDATE offload_watermarks SET owner = 'somebody'": "watermark_store",
    "DELETE FROM offload_watermarks": "watermark_store",
}


def failed(environment: EmbeddedEnvironment, expected: Any, **given: Any) -> set[str]:
    """Names of the checkers that do not pass."""
    return {one.checker for one in check_invariants(environment, expected, **given) if one.verdict is not Verdict.PASS}


@pytest.mark.parametrize("statement", PLANTED)
def test_a_store_that_does_not_follow_the_table_is_seen(
    new_environment: Callable[..., EmbeddedEnvironment],
    hot: dict[str, Any],
    offload: Callable[..., RunResult],
    statement: str,
) -> None:
    """One tick, one time, a lease that is not released."""
    environment = new_environment()
    offload(environment)
    sound = failed(environment, hot["one"][2])

    environment.store(statement)

    assert sound == set()
    assert failed(environment, hot["one"][2]) == {PLANTED[statement]}


def test_rows_that_are_lost_doubled_or_published_in_part_are_seen(
    new_environment: Callable[..., EmbeddedEnvironment], hot: dict[str, Any], offload: Callable[..., RunResult]
) -> None:
    """Hot has a row that cold lacks; another job appends a row twice; an earlier watermark was higher."""
    environment, expected = new_environment(), hot["one"][2]
    offload(environment, until=hot["one"][1].time_at(0.499))
    lost = failed(environment, expected)

    with opened(environment.cold) as table:
        table.append(table.scan().to_arrow().slice(7, 1))

    assert lost == {"zero_loss", "content"}
    assert failed(environment, expected.slice(0, 600)) == {"zero_duplicates", "whole_batches", "snapshot_tokens"}
    assert "watermark" in failed(environment, expected, observed=[2**60])
