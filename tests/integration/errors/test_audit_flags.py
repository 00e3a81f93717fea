"""`offload audit` on a pair that is named by flags."""

from __future__ import annotations

import pytest

from tests.integration.errors.test_documents import check
from tests.support.command_line import Offload, flags
from tests.support.embedded import Embedded


def pair(stage: Embedded, **changes: str) -> list[str]:
    """The flags of `audit` for the table of trades."""
    words = list(flags(stage.declared("trades"), **changes))
    at = words.index("--layer")
    return [*words[:at], *words[at + 2 :]]


def copied(stage: Embedded) -> None:
    """Another job copies our cold table."""
    rows = stage.cold(stage.declared("trades"))
    with stage.catalog() as catalog:
        columns = catalog.load_table("cold.trades").schema()
        catalog.create_table("cold.copy", columns).append(rows)


def test_a_declared_source_is_compared_with_any_table(stage: Embedded, offload: Offload) -> None:
    """By its declaration, whose target is another one; people read that there was no token."""
    stage.trades(10)
    assert offload("run", "trades").code == 0
    copied(stage)

    answer = offload("audit", *pair(stage, **{"--target-table": "cold.copy"}))

    (table,) = answer.document["tables"]
    check("audit", answer.document)
    assert (answer.code, table["equal"], table["cold_rows"], table["token"]) == (0, True, 10, False)
    assert "no commit token in cold: another job filled it; compared up to its newest row" in answer.stderr
    assert offload("audit", "trades").document["tables"][0]["token"] is True


def test_an_undeclared_source_is_compared(stage: Embedded, offload: Offload) -> None:
    """With the key of the flags; a difference is 65, and neither the store nor cold changes."""
    spec = stage.trades(10)
    key = {"--source-table": "bought", "--target-table": "cold.bought", "--key-cols": "symbol,trade_id"}
    stage.sql("CREATE TABLE bought AS trades")
    stage.sql("INSERT INTO bought SELECT * FROM trades")
    assert offload("run", *flags(spec, **key)).code == 0
    equal = offload("audit", *pair(stage, **key))
    stage.sql("ALTER TABLE bought DELETE WHERE trade_id = '3' SETTINGS mutations_sync = 2")
    before = offload("status", "--history").document["runs"]

    differs = offload("audit", *pair(stage, **key))

    assert (equal.code, equal.document["tables"][0]["token"]) == (0, True)
    assert (differs.code, differs.document["tables"][0]["extra"]) == (65, 1)
    assert offload("status", "--history").document["runs"] == before


@pytest.mark.parametrize(
    "words",
    [
        ["--source-table", "trades"],
        ["--key-cols", "trade_id"],
        ["trades", "--source-table", "trades"],
        ["--source-table", "trades; DROP TABLE trades", "--target-table", "cold.trades", "--timestamp-col", "t"],
    ],
    ids=" ".join,
)
def test_half_a_pair_is_64(stage: Embedded, offload: Offload, words: list[str]) -> None:
    """The message names the help of this command."""
    stage.trades(10)

    answer = offload("audit", *words)

    assert (answer.code, answer.error["next"]) == (64, "offload audit --help")


def test_flags_that_contradict_the_declared_pair_are_refused(stage: Embedded, offload: Offload) -> None:
    """Its watermark is of the declared timestamp."""
    stage.trades(10)
    assert offload("run", "trades").code == 0

    answer = offload("audit", *pair(stage, **{"--timestamp-col": "arrived_at"}))

    assert (answer.code, answer.error["kind"]) == (64, "UsageError")


def test_a_target_without_a_namespace_is_refused(stage: Embedded, offload: Offload) -> None:
    """Also beside a declared source."""
    stage.trades(10)

    answer = offload("audit", *pair(stage, **{"--target-table": "copy"}))

    assert (answer.code, answer.error["next"]) == (64, "correct --target-table")
