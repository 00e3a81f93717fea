"""`offload run --dry-run` is `offload plan`, for declared tables and for one that is named by flags."""

from __future__ import annotations

import pytest

from tests.support.command_line import TRADES, Offload, flags
from tests.support.embedded import Embedded


@pytest.mark.parametrize("words", [["trades"], ["--layer", "bronze"], ["trades", "--until", "2020-01-01T00:00:00Z"]])
def test_a_dry_run_prints_the_plan(stage: Embedded, offload: Offload, words: list[str]) -> None:
    """The same document, and no row is published."""
    spec = stage.trades(10)

    dry, plan = offload("run", "--dry-run", *words), offload("plan", *words)

    assert dry.code == plan.code
    assert [row["table"] for row in dry.document["tables"]] == [row["table"] for row in plan.document["tables"]]
    (ours,) = (row for row in dry.document["tables"] if row["table"] == "trades")
    (planned,) = (row for row in plan.document["tables"] if row["table"] == "trades")
    assert ours["rows"] == planned["rows"] == (0 if "--until" in words else 10)
    assert stage.published(spec) == 0
    assert offload("status").document["tables"] == [], "no lease was taken"


def test_a_dry_run_plans_a_table_that_is_named_by_flags(stage: Embedded, offload: Offload) -> None:
    """`plan` itself knows declared tables only."""
    spec = stage.trades(10)
    stage.sql("CREATE TABLE other AS trades")
    stage.sql("INSERT INTO other SELECT * FROM trades")

    by_flags = flags(spec, **{"--source-table": "other", "--target-table": "cold.other"})
    dry = offload("run", "--dry-run", *by_flags)
    wrong = offload("run", "--dry-run", "--source-table", "trades")

    assert (dry.code, [row["rows"] for row in dry.document["tables"]]) == (0, [10])
    assert stage.published(stage.declared("other")) == 0
    assert (wrong.code, wrong.error["kind"]) == (64, "UsageError")


def test_the_layer_of_a_plan_is_checked(stage: Embedded, offload: Offload) -> None:
    """As `run` checks it."""
    stage.trades(10)

    assert offload("plan", "--layer", "lead").code == 64
    assert offload("plan", "trades", "--layer", "gold").code == 64


def test_a_dry_run_says_which_columns_would_change(stage: Embedded, offload: Offload) -> None:
    """The document has them, and people read them on stderr; so does the run that changes them."""
    spec = stage.trades(10)
    offload.declare(f'{TRADES}on_schema_change = "evolve"\n')
    assert offload("run", "trades").code == 0
    stage.sql("ALTER TABLE trades ADD COLUMN venue String")

    dry = offload("run", "--dry-run", "trades")
    columns = stage.iceberg(spec).schema().column_names
    run = offload("run", "trades")

    assert "venue" not in columns
    assert "trades: columns of the cold table to change: add venue string" in dry.stderr
    assert "trades: columns of the cold table changed: add venue string" in run.stderr
    assert [one.document["tables"][0]["schema_changes"] for one in (dry, run)] == [["add venue string"]] * 2
