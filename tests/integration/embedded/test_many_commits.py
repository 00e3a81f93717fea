"""A table of many quarter hours: manifests are merged, old metadata files removed, and planning is not cut short."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from offload.iceberg import catalog
from offload.model.table import TableSpec
from tests.support.embedded import Embedded


def commits(stage: Embedded, spec: TableSpec, first: int, count: int) -> None:
    """So many runs of one row each."""
    for number in range(first, first + count):
        stage.insert_trades(f"numbers({number}, 1)", step="900000000")
        result = stage.run(spec)
        assert (result.exit_code, result.rows) == (0, 1), result


def set_properties(stage: Embedded, spec: TableSpec, **properties: str) -> None:
    """Set properties of the cold table."""
    with stage.iceberg(spec).transaction() as transaction:
        transaction.set_properties({name.replace("__", "."): value for name, value in properties.items()})


def test_manifests_are_merged_behind_the_fence(stage: Embedded) -> None:
    """As often as the table's property says; every row stays, and the history explains the table."""
    spec = stage.trades()
    commits(stage, spec, 0, 1)
    set_properties(stage, spec, **{"commit__manifest__min-count-to-merge": "5"})
    commits(stage, spec, 1, 24)
    table = stage.iceberg(spec)

    assert len(table.current_snapshot().manifests(table.io)) <= 6
    assert stage.cold_ids(spec) == list(range(25))
    assert stage.audit(spec).equal


def test_old_metadata_files_are_removed_as_the_properties_say(stage: Embedded) -> None:
    """Those that are listed stay, and without the property all do."""
    spec = stage.trades()
    commits(stage, spec, 0, 6)
    folder = Path(urlsplit(stage.iceberg(spec).metadata_location).path).parent
    before = len(list(folder.glob("*.metadata.json")))
    set_properties(
        stage,
        spec,
        **{"write__metadata__delete-after-commit__enabled": "true", "write__metadata__previous-versions-max": "2"},
    )
    commits(stage, spec, 6, 6)
    table = stage.iceberg(spec)
    listed = {Path(urlsplit(entry.metadata_file).path) for entry in table.metadata.metadata_log}

    assert before == 7
    assert len(list(folder.glob("*.metadata.json"))) <= 4
    assert all(path.exists() for path in listed)
    assert stage.cold_ids(spec) == list(range(12))


def test_planning_is_bounded_by_silence_and_not_by_its_work(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many manifests that take a second each are read with a time-out of two seconds."""
    spec = stage.trades()
    commits(stage, spec, 0, 20)
    opened = catalog.CountingFileIO.new_input

    def slow(io: Any, location: str) -> Any:
        if location.endswith("-m0.avro"):
            time.sleep(1)  # the fault: a slow store, which answers all the same
        return opened(io, location)

    monkeypatch.setattr(catalog.CountingFileIO, "new_input", slow)
    began = time.monotonic()

    found = stage.audit(spec, settings=stage.settings(timeout="2s"))

    assert found.equal, found
    assert time.monotonic() - began > 2, "the store was not slow enough to show anything"
