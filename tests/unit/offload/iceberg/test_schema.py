"""Schemas and data files of cold tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from offload.errors import DataError
from offload.iceberg.data_files import paths


def task(path: str, *deletes: str) -> Any:
    """A data file as a scan names it, with its delete files."""
    return SimpleNamespace(file=SimpleNamespace(file_path=path), delete_files=set(deletes))


def test_the_data_files_of_a_scan_are_named_in_its_order() -> None:
    """Nothing is left out."""
    assert paths([task("b"), task("a")]) == ["b", "a"]


def test_a_data_file_with_a_delete_file_is_refused() -> None:
    """Spark and Trino may delete rows in this way: the data file still has rows that no reader of the table sees."""
    with pytest.raises(DataError, match="1 data files with delete files, such as b"):
        paths([task("a"), task("b", "position-deletes")])
