"""A clock that steps back between two commits leaves a table that Java engines can load."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyiceberg.table.snapshots import SnapshotLogEntry

from offload.iceberg import fence, times
from offload.model.table import TableSpec
from tests.support import iceberg_java
from tests.support.embedded import Embedded

STEPS = {"seconds": 5, "minutes": 90, "an hour": 3600, "a day": 86_400}


def run_with_clock(stage: Embedded, spec: TableSpec, monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """One run on a machine whose clock is ahead by so many seconds, as PyIceberg sees it."""
    with monkeypatch.context() as wrong:
        real = time.time
        wrong.setattr(time, "time", lambda: real() + ahead)
        result = stage.run(spec)
    assert result.exit_code == 0, result


def metadata_file(stage: Embedded, spec: TableSpec) -> Path:
    """The file that the catalog points to."""
    return Path(urlsplit(stage.iceberg(spec).metadata_location).path)


def java_refuses(stage: Embedded, spec: TableSpec) -> str | None:
    """The refusal of Iceberg's Java library."""
    if tool := iceberg_java.missing_tool():
        pytest.skip(f"{tool} is not installed")
    return iceberg_java.refusal(metadata_file(stage, spec))


@pytest.mark.parametrize("step", STEPS)
def test_a_clock_that_steps_back_leaves_a_table_that_java_loads(
    stage: Embedded, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The second commit is stamped after the first one, whatever the clock says."""
    spec = stage.trades(100)
    run_with_clock(stage, spec, monkeypatch, STEPS[step])
    stage.insert_trades("numbers(100, 100)")
    run_with_clock(stage, spec, monkeypatch, 0)
    stage.insert_trades("numbers(200, 100)")
    run_with_clock(stage, spec, monkeypatch, 0)

    metadata = stage.iceberg(spec).metadata

    stamps = [snapshot.timestamp_ms for snapshot in metadata.snapshots]
    assert stamps == sorted(set(stamps))
    assert metadata.last_updated_ms >= stamps[-1]
    assert java_refuses(stage, spec) is None


def unsorted(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> TableSpec:
    """A table whose log goes back by an hour, as releases before this one left it."""
    monkeypatch.setattr(fence, "stamped", lambda updates, _: tuple(updates))
    spec = stage.trades(100)
    run_with_clock(stage, spec, monkeypatch, 3600)
    stage.insert_trades("numbers(100, 100)")
    run_with_clock(stage, spec, monkeypatch, 0)
    monkeypatch.undo()
    return spec


def test_recover_finds_an_unsorted_log(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Java refuses, a run refuses before any work, with the step and the page that mends it."""
    spec = unsorted(stage, monkeypatch)
    assert "Expected sorted snapshot log entries" in (java_refuses(stage, spec) or "")

    result = stage.run(spec)

    assert (result.exit_code, result.error and result.error["kind"]) == (65, "DataError"), result
    assert result.error is not None
    assert re.search(r"step back of (3600|35\d\d) s", result.error["found"]), result.error
    assert "docs/runbooks/unsorted-log.md" in result.error["next"]


def test_an_unsorted_log_is_mended_as_the_runbook_says(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the statements of the page both Java and the next run accept the table, and no row is lost."""
    spec = unsorted(stage, monkeypatch)
    page = Path("docs/runbooks/unsorted-log.md").read_text("utf-8")
    code = page.split("```python")[1].split("```")[0]
    where = {"uri": f"sqlite:///{stage.folder}/catalog.db", "warehouse": (stage.folder / "warehouse").as_uri()}

    exec(code.split("# ---")[1], {"CATALOG": where, "TABLE": spec.target})  # noqa: S102  # the page's own code
    stage.insert_trades("numbers(200, 100)")
    result = stage.run(spec)

    assert (result.exit_code, result.rows) == (0, 100), result
    assert stage.cold_ids(spec) == list(range(300))
    assert java_refuses(stage, spec) is None


def test_a_step_within_a_minute_is_accepted(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Java accepts it."""
    monkeypatch.setattr(fence, "stamped", lambda updates, _: tuple(updates))
    spec = stage.trades(100)
    run_with_clock(stage, spec, monkeypatch, 30)
    stage.insert_trades("numbers(100, 100)")

    run_with_clock(stage, spec, monkeypatch, 0)

    assert java_refuses(stage, spec) is None
    assert stage.run(spec).exit_code == 0


def test_the_log_entry_of_another_writer_counts_too(stage: Embedded) -> None:
    """The latest time is that of the log, also where every snapshot is earlier."""
    spec = stage.trades(100)
    stage.run(spec)
    metadata = stage.iceberg(spec).metadata
    ahead = metadata.last_updated_ms + 600_000
    entry = SnapshotLogEntry(snapshot_id=metadata.current_snapshot_id, timestamp_ms=ahead)

    assert times.latest(metadata.model_copy(update={"snapshot_log": [entry]})) == ahead
