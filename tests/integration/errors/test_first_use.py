"""What a new user meets first: folders that are missing, and tables that could not be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import Offload
from tests.support.embedded import Embedded


@pytest.mark.parametrize("command", ["plan", "run", "audit"])
def test_a_warehouse_of_another_scheme_is_78(stage: Embedded, offload: Offload, command: str) -> None:
    """It is no folder of that name."""
    stage.trades(10)

    answer = offload(command, "trades", OFFLOAD_WAREHOUSE="gs://bucket/prefix")

    assert answer.code == 78
    assert (answer.error["found"], answer.error["next"]) == ("the scheme gs", "set OFFLOAD_WAREHOUSE")


@pytest.mark.parametrize("variable", ["OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"])
def test_a_missing_folder_of_a_database_is_named_with_the_command_that_creates_it(
    stage: Embedded, offload: Offload, tmp_path: Path, variable: str
) -> None:
    """After that command the run goes on."""
    spec = stage.trades(10)
    folder = tmp_path / "not" / "there"
    address = {variable: f"sqlite:///{folder}/file.db"}

    answer = offload("run", "trades", **address)

    assert answer.code == 78
    assert answer.error["next"] == f"mkdir -p {folder}, or set {variable}"
    assert not folder.exists()
    folder.mkdir(parents=True)
    assert offload("run", "trades", **address).code == 0
    assert stage.published(spec) == (0 if variable == "OFFLOAD_CATALOG_URI" else 1)


@pytest.mark.parametrize(("command", "unknown"), [("plan", 5), ("audit", 7), ("run", 3)])
def test_what_was_not_measured_is_not_shown_as_zero(
    stage: Embedded, offload: Offload, command: str, unknown: int
) -> None:
    """Of a table that could not be read, every figure is `?`; `run` knows that it published no row."""
    stage.trades(10)
    stage.sql("DROP TABLE trades")

    screen = offload.screen(command, "trades")

    (cells,) = (line.split()[1:] for line in screen.splitlines() if line.split()[:1] == ["trades"])
    assert cells.count("?") == unknown
    assert cells.count("0") == (1 if command == "run" else 0)
