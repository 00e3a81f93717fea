"""The chunks of a batch have every row of its window, whatever the values are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.model.splits import Split
from offload.protocol import planning
from tests.support.embedded import PLAIN, Embedded


@pytest.mark.parametrize(("empty", "others"), [(1, 100), (5, 3), (0, 8)])
def test_an_empty_name_in_the_first_sort_column_is_a_name_like_any_other(
    stage: Embedded, empty: int, others: int
) -> None:
    """A row with an empty symbol is read once, and no other row is doubled or lost."""
    spec = stage.trades(others, engine=PLAIN)
    for number in range(empty):
        stage.sql(
            "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
            f"SELECT '', '{9000 + number}', 1, min(exchange_timestamp) FROM trades"
        )
    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, empty + others, 0), result
    assert stage.audit(spec).equal


def test_a_name_that_is_not_valid_text_stops_the_run(stage: Embedded) -> None:
    """Chunks are ranges of text: a value that is not valid text would be in no chunk."""
    spec = stage.trades(100)
    stage.sql(
        "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
        "SELECT unhex('FF41'), '9000', 1, min(exchange_timestamp) FROM trades"
    )
    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
    assert result.error is not None
    assert "symbol" in result.error["expected"]


def with_rows(split: Split, rows: int) -> Split:
    """The same ranges, planned with another number of rows."""
    first, *others = split.chunks
    return replace(split, chunks=(replace(first, rows=rows - sum(one.rows for one in others)), *others))


@pytest.mark.parametrize("fault", ["gap", "overlap"])
def test_chunks_that_do_not_cover_the_batch_publish_nothing(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Each file equals its chunk, and yet a row is missing or doubled: the count of the window shows it."""
    spec = stage.trades(100)
    right = planning.plan_splits

    def wrong(*given: Any) -> Any:
        first, *rest = right(*given)
        if fault == "gap":  # the numbers are right, the ranges are not
            return [with_rows(rest[0], rest[0].rows + first.rows), *rest[1:]]
        return [first, *rest, with_rows(replace(first, number=99, path=f"{first.path}.again.parquet"), 0)]

    monkeypatch.setattr("offload.protocol.planning.plan_splits", wrong)
    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
