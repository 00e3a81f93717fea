"""The end of a stream does not prove that it was complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.hashed_stream import HASH, INVALID, KEY, TICKS, HashedStream
from offload.clickhouse.wire_format import wire_column
from offload.model.columns import Column, TypeMapping
from tests.support.embedded import Embedded


def cutting(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the first `times` streams end without an error before their last row."""
    whole = ClickHouse.arrow
    left = [times]

    def cut(self: ClickHouse, query: str) -> Iterator[Any]:
        batches = list(whole(self, query))
        if left[0] and batches:
            left[0] -= 1
            batches[-1] = batches[-1].slice(0, batches[-1].num_rows - 1)
        yield from batches

    monkeypatch.setattr(ClickHouse, "arrow", cut)


def test_a_stream_that_ends_early_is_read_again(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count of another query shows that a row is missing."""
    spec = stage.trades(100)
    cutting(monkeypatch, 1)

    result = stage.run(spec, workers=1)

    assert (result.exit_code, result.rows) == (0, 100), result
    assert stage.cold_ids(spec) == list(range(100))


def test_streams_that_always_end_early_publish_nothing(stage: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hot does not change, and the stored rows always differ from hot's: exit 65."""
    spec = stage.trades(100)
    cutting(monkeypatch, 1000)

    result = stage.run(spec, workers=1)

    assert (result.exit_code, stage.published(spec)) == (65, 0), result


def test_extra_columns_are_removed_from_the_rows_and_added_up() -> None:
    """The digest wraps at 2^64, equal keys count once, and one invalid row makes the stream invalid."""
    columns = {"id": ["a", "b"], HASH: [2**64 - 1, 5], KEY: [7, 7], INVALID: [0, 1], TICKS: [30, 20]}
    types = {"id": pa.string(), HASH: pa.uint64(), KEY: pa.uint64(), INVALID: pa.uint8(), TICKS: pa.int64()}
    batch = pa.record_batch(columns, schema=pa.schema(types.items()))
    arriving = (one for one in (batch, batch.slice(0, 1)))
    stream = HashedStream(
        arriving,
        {"id": wire_column(Column("id", TypeMapping("string", "String")))},
        (HASH, KEY, INVALID, TICKS),
        "id",
        9,
    )

    assert [own.schema.names for own in stream] == [["id"], ["id"]]
    assert (stream.rows, stream.digest, stream.duplicates, stream.invalid) == (
        3,
        (2**64 - 1 + 5 + 2**64 - 1) % 2**64,
        2,
        True,
    )
    assert stream.last == 30
