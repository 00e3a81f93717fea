"""A row filter says which rows a query reads; a narrower selection is a new filter."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from offload.clickhouse.layout import Layout
from offload.clickhouse.row_filter import RowFilter
from offload.fakes.source import FAKE_SCHEMA
from offload.model.splits import Chunk
from offload.model.windows import Window

CHUNK = Chunk(Window(None, 100))
ROWS = RowFilter(
    FAKE_SCHEMA, Layout("MergeTree", ("at",), None, partition_in_sorting_key=False, stored_bytes_per_row=0)
)


def test_narrowing_a_filter_leaves_the_filter_as_it_was() -> None:
    """A reader that meets duplicates must not change which rows a later count means."""
    before = ROWS.select(CHUNK)
    narrower = [ROWS.deduplicated(), ROWS.deduplicated_over(Window(None, 50)), ROWS.excluding("NOT known")]

    assert {before}.isdisjoint(one.select(CHUNK) for one in narrower)
    assert ROWS.select(CHUNK) == before
    assert replace(narrower[0], one_per_key=False) == ROWS


def test_a_filter_cannot_be_changed() -> None:
    """Also not by code that has one in its hands."""
    with pytest.raises(FrozenInstanceError):
        ROWS.one_per_key = True  # type: ignore[misc]
