"""A catalog or a store from a backup: published rows that are gone are told, and never lost in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from offload.model.table import TableSpec
from offload.wiring import open_adapters
from tests.support.embedded import Embedded

OF_TWO_DAYS = "172800000"


def two_runs(stage: Embedded, backed_up: tuple[str, ...]) -> TableSpec:
    """One run of the first day, a backup of these databases, and a run of the second day."""
    spec = stage.trades(1000, step=OF_TWO_DAYS)
    assert stage.run(spec, until="2024-08-01T23:59:59.999999Z").rows == 500
    for name in backed_up:
        shutil.copy(stage.folder / name, stage.folder / f"{name}.backup")
    assert stage.run(spec).rows == 500
    return spec


def restore(stage: Embedded, *names: str) -> None:
    """Put the backups back."""
    for name in names:
        shutil.copy(stage.folder / f"{name}.backup", stage.folder / name)


CASES = [("catalog.db",), ("catalog.db", "watermarks.db")]


@pytest.mark.parametrize("databases", CASES, ids=["catalog", "both"])
def test_rows_that_hot_has_no_more_are_refused(stage: Embedded, databases: tuple[str, ...]) -> None:
    """The second day is gone from both tiers: 65, and nothing is "repaired"; a person can accept the loss."""
    spec = two_runs(stage, databases)
    restore(stage, *databases)
    stage.sql("ALTER TABLE trades DROP PARTITION '2024-08-02'")
    stage.insert_trades("numbers(1000, 100)", step=OF_TWO_DAYS)

    refused, again = stage.run(spec), stage.run(spec)
    with open_adapters(stage.settings()) as adapters:
        from offload.commands.watermark import repair_watermark

        repair_watermark(adapters, spec, "by-hand")
    accepted = stage.run(spec)

    for result in (refused, again):
        assert (result.exit_code, result.rows, result.error and result.error["kind"]) == (65, 0, "DataError"), result
        assert result.error is not None
        assert "500 rows that were published up to 2024-08-02" in result.error["found"]
        assert "watermark repair" in result.error["next"]
    assert (accepted.exit_code, accepted.rows) == (0, 100), accepted


@pytest.mark.parametrize("databases", CASES, ids=["catalog", "both"])
def test_rows_that_hot_still_has_are_published_again(stage: Embedded, databases: tuple[str, ...]) -> None:
    """Exact, with a warning that says what happened."""
    spec = two_runs(stage, databases)
    restore(stage, *databases)
    stage.insert_trades("numbers(1000, 100)", step=OF_TWO_DAYS)

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 600), result
    assert any("restored from a backup" in warning for warning in result.warnings), result.warnings
    assert stage.cold_ids(spec) == list(range(1100))
    assert stage.run(spec).warnings == ()


def test_a_store_from_a_backup_is_repaired(stage: Embedded) -> None:
    """The table is right: nothing is gone."""
    spec = two_runs(stage, ("watermarks.db",))
    restore(stage, "watermarks.db")
    stage.insert_trades("numbers(1000, 100)", step=OF_TWO_DAYS)

    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 100), result
    assert any("repaired" in warning for warning in result.warnings)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"table": "another"}'])
def test_a_mark_that_cannot_be_read_is_no_evidence(stage: Embedded, text: str) -> None:
    """A crash may have cut it short."""
    spec = two_runs(stage, ())
    (mark,) = Path(stage.folder / "warehouse").rglob("tidemark-published.json")
    mark.write_text(text)

    assert stage.run(spec).exit_code == 0
