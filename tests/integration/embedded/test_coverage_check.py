"""What is cut by values must hold for every value: a batch is neither more nor less than its window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.protocol import planning
from tests.support.embedded import PLAIN, Embedded


@pytest.mark.parametrize(("empty", "others"), [(1, 100), (5, 3), (0, 8)])
def test_an_empty_name_in_the_first_sort_column_is_a_name_like_any_other(
    stage: Embedded, empty: int, others: int
) -> None:
    """A row without a symbol is read once, with the rows beside it neither doubled nor lost."""
    spec = stage.trades(others, engine=PLAIN)
    for number in range(empty):
        stage.sql(
            "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
            f"SELECT '', '{9000 + number}', 1, min(exchange_timestamp) FROM trades"
        )
    result = stage.run(spec)

    assert (result.exit_code, result.rows, result.duplicates_dropped) == (0, empty + others, 0), result
    assert stage.audit(spec).equal


def test_a_name_that_is_no_text_stops_the_run(stage: Embedded) -> None:
    """Pieces are cut by names as text: bytes that are none would be in no piece, and no look would miss them."""
    spec = stage.trades(100)
    stage.sql(
        "INSERT INTO trades (symbol, trade_id, price, exchange_timestamp) "
        "SELECT unhex('FF41'), '9000', 1, min(exchange_timestamp) FROM trades"
    )
    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
    assert result.error is not None
    assert "symbol" in result.error["expected"]


@pytest.mark.parametrize("fault", ["gap", "overlap"])
def test_pieces_that_are_not_the_batch_publish_nothing(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Each file equals its piece, and yet a row is missing or doubled: found by counting the window."""
    spec = stage.trades(100)
    right = planning.plan_splits

    def wrong(*given: Any) -> Any:
        first, *rest = right(*given)
        return rest if fault == "gap" else [first, *rest, replace(first, number=99, path=f"{first.path}.again.parquet")]

    monkeypatch.setattr("offload.protocol.planning.plan_splits", wrong)
    result = stage.run(spec)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result
