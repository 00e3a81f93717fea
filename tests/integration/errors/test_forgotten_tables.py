"""A misspelt table stays in `status` until `offload forget`."""

from __future__ import annotations

from tests.integration.errors.test_documents import check
from tests.support.command_line import Offload, flags
from tests.support.embedded import Embedded


def test_a_misspelt_table_is_forgotten(stage: Embedded, offload: Offload) -> None:
    """By the name that `status` shows; the answer is the status without it."""
    spec = stage.trades(10)
    assert offload("run", "trades").code == 0
    misspelt = flags(spec, **{"--source-table": "tradse", "--target-table": "cold.tradse"})
    assert offload("run", *misspelt).code == 65
    shown = {row["table_name"]: row for row in offload("status").document["tables"]}
    assert shown.keys() == {"trades", "tradse"}

    answer = offload("forget", "tradse")

    check("status", answer.document)
    assert answer.code == 0
    assert [row["table_name"] for row in answer.document["tables"]] == ["trades"]
    assert stage.published(spec) == 1
    assert (offload("forget", "tradse").code, offload("forget", "trades").code) == (64, 65)
