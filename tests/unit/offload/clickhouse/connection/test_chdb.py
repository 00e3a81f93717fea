"""chDB's own stream of blocks: nothing of it is lost, mixed up or left open."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from offload.clickhouse.connection.chdb import _viewed
from offload.clickhouse.connection.client import ClickHouse
from offload.errors import DataError


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ClickHouse]:
    """A folder of chDB."""
    found = ClickHouse(f"chdb:///{tmp_path}/hot", 10)
    yield found
    found.close()


def test_blocks_that_are_held_keep_their_rows(client: ClickHouse) -> None:
    """The engine uses its memory again for the next block: a batch that is still held must not change with it."""
    query = "SELECT number AS n, toString(number) AS t FROM numbers(300000) SETTINGS max_block_size = 10000"

    held = list(client.arrow(query))
    list(client.arrow(query.replace("number AS n", "number + 7 AS n")))

    table = pa.Table.from_batches(held)
    assert len(held) > 10
    assert table.column("n").to_pylist() == list(range(300_000))
    assert table.column("t").to_pylist() == [str(number) for number in range(300_000)]


class Block:
    """A block of the engine: its memory is given back when the last reference to it goes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def get_memview(self) -> Block:
        """As chDB names it; there another object, which holds no reference to the block."""
        return Block(self._content)

    def view(self) -> memoryview:
        """Its bytes."""
        return memoryview(self._content)


def test_a_view_of_a_block_holds_the_block() -> None:
    """And lets it go with the last batch: neither rows that change nor memory that stays."""
    block = Block(b"some rows")
    last_seen = weakref.ref(block)
    viewed = _viewed(block)
    rows = viewed.slice(5)
    del block, viewed

    assert rows.to_pybytes() == b"rows"
    assert last_seen() is not None
    del rows
    assert last_seen() is None


def test_an_error_in_mid_stream_is_raised_with_its_meaning(client: ClickHouse) -> None:
    """A stream that fails is not a stream that ended, and its error is translated as for any query."""
    batches = client.arrow("SELECT throwIf(number > 200000) FROM numbers(300000) SETTINGS max_block_size = 10000")

    with pytest.raises(Exception, match="non-zero"):
        list(batches)
    with pytest.raises(DataError, match="nowhere"):
        list(client.arrow("SELECT * FROM nowhere"))


def test_a_stream_that_is_left_early_does_not_block_the_next(client: ClickHouse) -> None:
    """The handle serves one query at a time: one that is given up must be closed."""
    first = client.arrow("SELECT number FROM numbers(300000) SETTINGS max_block_size = 10000")
    next(first)
    first.close()

    assert sum(batch.num_rows for batch in client.arrow("SELECT number FROM numbers(1000)")) == 1000


def test_the_stream_speaks_of_the_database_of_the_address(tmp_path: Path) -> None:
    """Unqualified names mean the same in a stream and in an answer."""
    client = ClickHouse(f"chdb:///{tmp_path}/hot", 10)
    client.statement("CREATE DATABASE other ENGINE = Atomic")
    client.close()
    other = ClickHouse(f"chdb:///{tmp_path}/hot?database=other", 10)

    found = [batch.to_pylist() for batch in other.arrow("SELECT currentDatabase() AS name")]
    other.close()

    assert found == [[{"name": "other"}]]
