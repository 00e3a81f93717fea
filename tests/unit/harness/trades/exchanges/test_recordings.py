from __future__ import annotations

from pathlib import Path

import pytest

from harness.trades.exchanges import recordings


def test_the_named_folder_is_taken_and_an_empty_name_means_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies beside the repository."""
    monkeypatch.setenv("TIDEMARK_TRADES", str(tmp_path))
    named = recordings.recordings()
    monkeypatch.setenv("TIDEMARK_TRADES", "")

    assert (named, recordings.recordings()) == (tmp_path, None)


def test_without_a_name_the_folder_beside_the_repository_is_taken_if_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none otherwise: the project works without it."""
    monkeypatch.delenv("TIDEMARK_TRADES", raising=False)
    monkeypatch.setattr(recordings, "BESIDE", tmp_path)
    there = recordings.recordings()
    monkeypatch.setattr(recordings, "BESIDE", tmp_path / "missing")

    assert (there, recordings.recordings()) == (tmp_path, None)


def test_a_named_folder_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated trades must not replace recorded ones without a word."""
    monkeypatch.setenv("TIDEMARK_TRADES", str(tmp_path / "missing"))

    with pytest.raises(NotADirectoryError, match=r"found no folder at .*missing; next: unset"):
        recordings.recordings()
