"""docs/python.md: its code runs as it stands there, and it lists every name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import offload
from tests.support.command_line import TRADES
from tests.support.embedded import Embedded

PAGE = (Path(__file__).parents[3] / "docs" / "python.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_name_of_the_package_is_listed() -> None:
    """And no other."""
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(offload.__all__)


def test_the_code_of_the_page_runs(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results are those that the page speaks of."""
    stage.trades(10)
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    assert len(BLOCKS) == 4
    found: dict[str, Any] = {"offload": offload}

    for block in BLOCKS[:3]:
        exec(block, found)  # noqa: S102  # the page's own code
    stage.insert_trades("numbers(10, 5)")
    exec(BLOCKS[3], found)  # noqa: S102  # likewise

    assert (found["planned"].rows, found["result"].tables[0].rows, found["audit"].equal) == (10, 10, True)
    assert found["result_of_settings"].tables[0].status == "nothing_new"
    assert found["seen"] == [("trades", 5)]


def test_the_task_of_the_page_raises_for_what_a_person_must_see(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It returns the document of a run that succeeded, and raises the error of one that did not."""
    stage.trades(10)
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    (stage.folder / "tables" / "trades.toml").write_text(TRADES)
    found: dict[str, Any] = {}
    exec(BLOCKS[0], found)  # noqa: S102  # the page's own code

    document = found["offload_trades"]()
    stage.sql("DROP TABLE trades")

    assert [(table["table"], table["rows"]) for table in document["tables"]] == [("trades", 10)]
    with pytest.raises(RuntimeError, match="a table trades in ClickHouse"):
        found["offload_trades"]()


def test_an_exception_of_a_listener_ends_the_run_with_70(stage: Embedded) -> None:
    """What was published before it stays."""
    spec = stage.trades(10)

    def listener(event: offload.StepEvent) -> None:
        if str(event) == "after:publish":
            raise ValueError("the listener's own")

    result = offload.run(spec=spec, settings=stage.settings(), listeners=[listener])

    assert result.exit_code == 70
    assert stage.published(spec) == 1
