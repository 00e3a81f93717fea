"""Which rows of a hot table are meant: a window, a piece, one row per key. Every question asks through here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offload.clickhouse import sql
from offload.clickhouse.layout import Layout
from offload.model.columns import TableSchema
from offload.model.splits import Chunk
from offload.model.windows import Window


class RowFilter:
    """
    The rows that one batch means, as `FROM ... WHERE ...`; hashing, comparing and reading ask for the same ones.

    Attributes:
        raw: The table as it stands, quoted; a Replacing one with the copies that it has not merged yet.
        one_per_key: Whether a key that occurs twice is meant once; it stays so for the rest of the batch.
    """

    def __init__(self, schema: TableSchema, layout: Layout) -> None:
        self._shape = schema
        self._timestamp = sql.identifier(schema.spec.timestamp)
        self.raw = ".".join(sql.identifier(part) for part in schema.spec.source.split("."))
        self._name = f"{self.raw} FINAL" if layout.replacing else self.raw
        self.one_per_key = False
        self._across: Window | None = None
        self._not_cold: str | None = None

    @property
    def cluster(self) -> str | None:
        """The first sort column where it is text before the timestamp: pieces and files are kept narrow in it."""
        first = self._shape.spec.sort[0]
        text = first != self._shape.spec.timestamp and self._shape.column(first).mapping.text
        return first if text else None

    @property
    def how_it_came(self) -> tuple[str, ...]:
        """Columns in which two deliveries of one row may differ."""
        spec = self._shape.spec
        return spec.delivery if spec.timestamp_follows_key else (spec.timestamp, *spec.delivery)

    def begin(self) -> None:
        """Begin a batch: forget what was set aside."""
        self.one_per_key, self._across, self._not_cold = False, None, None

    def keep_one_across(self, window: Window) -> None:
        """From now on mean one row per key of the whole window, wherever in it the deliveries of that row lie."""
        self._across = window

    def leave_out(self, condition: str) -> None:
        """From now on mean only the rows that meet the condition (keys that stand in cold already are left out)."""
        self._not_cold = condition

    def within(self, window: Window) -> str:
        """The condition that a row lies in the window."""
        high = f"{self._timestamp} <= {sql.timestamp(window.high, self._shape.precision)}"
        if window.low is None:
            return high
        return f"{self._timestamp} > {sql.timestamp(window.low, self._shape.precision)} AND {high}"

    def select(self, chunk: Chunk, *conditions: str) -> str:
        """The rows of a piece that meet the conditions, one per key where a key was found twice."""
        if self._across is None and not self.one_per_key:
            return self.select_with_duplicates(chunk, *conditions)
        where = [self.within(chunk.window), *self._bounds(chunk)]
        inner = self._kept([self.within(self._across)] if self._across else where)
        return f"FROM {inner} WHERE {' AND '.join([*where, *conditions])}"

    def select_with_duplicates(self, chunk: Chunk, *conditions: str) -> str:
        """The rows of a piece that meet the conditions, several per key where there are such."""
        where = [self.within(chunk.window), *self._bounds(chunk), *conditions, *self._aside()]
        return f"FROM {self._name} WHERE {' AND '.join(where)}"

    def select_unmerged(self, chunk: Chunk) -> str | None:
        """
        The rows of a piece as they stand, copies that a Replacing table has not merged yet included.

        None where `select` says more than FINAL does, or where there is no key to tell a copy by.
        """
        if self._name == self.raw or not self._shape.spec.key or self.one_per_key or self._across or self._not_cold:
            return None
        return f"FROM {self.raw} WHERE {' AND '.join([self.within(chunk.window), *self._bounds(chunk)])}"

    @property
    def repeats(self) -> bool:
        """Whether `select_with_duplicates` may give a key several times that `select` gives once."""
        return self.one_per_key and self._across is None

    def _aside(self) -> list[str]:
        return [self._not_cold] if self._not_cold else []

    def _kept(self, conditions: Sequence[str]) -> str:
        key = ", ".join(map(sql.identifier, self._shape.spec.key))
        order = ", ".join(map(sql.identifier, (*self._shape.spec.key, *self.how_it_came)))
        names = ", ".join(sql.identifier(column.name) for column in self._shape.columns)
        where = " AND ".join([*conditions, *self._aside()])
        return f"(SELECT {names} FROM {self._name} WHERE {where} ORDER BY {order} LIMIT 1 BY {key})"

    def _bounds(self, chunk: Chunk) -> Iterator[str]:
        yield from map(sql.partition_is, self._shape.spec.partition, chunk.partition)
        if chunk.clusters and self.cluster:
            column = sql.identifier(self.cluster)
            first, last = map(sql.text, chunk.clusters)
            yield f"{column} = {first}" if first == last else f"{column} >= {first} AND {column} <= {last}"
