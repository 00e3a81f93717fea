"""The demo prints the results of its steps, and fails where a count is not the expected one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from offload.demo import chart
from offload.demo.demo import _run_snippet, run_demo
from offload.demo.story import Story, StoryRow, expect
from offload.demo.workspace import Workspace
from offload.errors import ConfigurationError, DataError, UsageError


def test_a_folder_that_is_not_empty_is_not_changed(tmp_path: Path) -> None:
    """Exit 78 with the next command; the demo changes no existing file."""
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(ConfigurationError, match="offload demo --folder ANOTHER_FOLDER"):
        run_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_instead_of_a_folder_is_left_as_it_is(tmp_path: Path) -> None:
    """Exit 78, and the file has its content."""
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(ConfigurationError, match="found a file"):
        run_demo(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    """Exit 64: the write would be too short to kill it."""
    with pytest.raises(UsageError, match="--rows of at least 1000; found 10"):
        run_demo(tmp_path, rows=10)


def test_a_folder_without_recordings_is_named_in_the_error(tmp_path: Path) -> None:
    """Exit 78, whether the folder is empty or missing; nothing is created."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(ConfigurationError, match="no folder at"):
        run_demo(tmp_path / "one", trades=tmp_path / "missing")
    with pytest.raises(ConfigurationError, match=r"binance-spot-\*\.jsonl\.gz"):
        run_demo(tmp_path / "two", trades=tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_run_that_ends_before_it_writes_was_not_killed(tmp_path: Path) -> None:
    """The demo reports no kill that did not happen."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.prepare()

    with pytest.raises(DataError, match="to be killed during its write"):
        workspace.kill_during_write("tables")


def test_a_command_of_the_demo_that_fails_ends_it(tmp_path: Path) -> None:
    """The message has the command, its exit code and the end of its log."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.prepare()

    with pytest.raises(DataError, match=r"`offload run absent` to exit with 0; found exit code 64"):
        workspace.offload("run", "absent")


def test_a_query_that_fails_ends_the_demo() -> None:
    """The demo prints no query that does not run."""
    with pytest.raises(DataError, match=r"the query of the demo to succeed; found (?s:.*)SyntaxError"):
        _run_snippet("print(", 1)


def test_a_plain_installation_says_which_packages_the_demo_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 78 before anything is created."""
    monkeypatch.setattr("offload.demo.demo.find_spec", lambda name: None if name == "chdb" else object())

    with pytest.raises(ConfigurationError, match="not installed: chdb"):
        run_demo(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_children_see_the_demos_addresses_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own OFFLOAD_ variables must not send the demo's trades to a real warehouse."""
    monkeypatch.setenv("OFFLOAD_S3_ENDPOINT", "http://production")
    monkeypatch.setenv("OFFLOAD_WAREHOUSE", "s3://production")
    environment = Workspace(tmp_path).environment()

    assert "production" not in " ".join(environment.values())
    assert environment["OFFLOAD_WAREHOUSE"] == str(tmp_path / "warehouse")


def test_a_difference_says_what_was_expected_and_what_was_found() -> None:
    """And ends the demo with the exit code of wrong data."""
    with pytest.raises(DataError, match=r"no trade twice \(0\); found 3") as caught:
        expect("no trade twice", 0, 3)

    assert caught.value.exit_code == 65


def test_the_table_shows_rows_duplicates_seconds_and_rate(tmp_path: Path) -> None:
    """It fits eighty columns."""
    screen = io.StringIO()
    story = Story(Workspace(tmp_path), Console(file=screen, width=80))
    story.emit(StoryRow("offload", 1_000_000, 2.0, dropped=3, duplicates=0, outcome="fine"))
    story.console.print(story.table())

    for text in ("offload: 1,000,000 trades in 2.0 s. fine", "500,000", " 3 ", " 0 "):
        assert text in screen.getvalue()


def test_the_chart_is_drawn_without_a_display(tmp_path: Path) -> None:
    """A PNG, in a folder that is made for it."""
    chart.draw(tmp_path / "reports" / "demo.png", [(0.0, 0), (1.0, 10)], [(2.0, 10)], killed_at=1.5)

    assert (tmp_path / "reports" / "demo.png").read_bytes().startswith(b"\x89PNG")
