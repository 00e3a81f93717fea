"""Which rows of a hot table a query reads: a window, a chunk, one row per key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from offload.clickhouse import sql
from offload.clickhouse.layout import Layout
from offload.model.columns import TableSchema
from offload.model.splits import Chunk
from offload.model.windows import Window


@dataclass(frozen=True)
class RowFilter:
    """
    A selection of rows as `FROM ... WHERE ...`; hashing, comparing and reading use the same one. A narrower one is new.

    Attributes:
        schema: The table's columns.
        layout: How the server stores the table.
        one_per_key: Whether a key that occurs more than once in a chunk is read once.
        one_per_key_of: The window in which each key is read once, wherever in it its deliveries are; None: no window.
        exclusion: A condition that leaves out keys which cold already has; None: no condition.
    """

    schema: TableSchema
    layout: Layout
    one_per_key: bool = False
    one_per_key_of: Window | None = None
    exclusion: str | None = None

    def deduplicated(self) -> RowFilter:
        """The same rows, one per key."""
        return replace(self, one_per_key=True)

    def deduplicated_over(self, window: Window) -> RowFilter:
        """The same rows, one per key of the whole window."""
        return replace(self, one_per_key_of=window)

    def excluding(self, condition: str) -> RowFilter:
        """The rows that meet the condition as well."""
        return replace(self, exclusion=condition)

    @property
    def raw(self) -> str:
        """The table's quoted name; a Replacing table read by it includes duplicates that are not merged yet."""
        return ".".join(sql.identifier(part) for part in self.schema.spec.source.split("."))

    @property
    def cluster(self) -> str | None:
        """The first sort column where it is text before the timestamp: chunks and files have narrow ranges of it."""
        first = self.schema.spec.sort[0]
        text = first != self.schema.spec.timestamp and self.schema.column(first).mapping.text
        return first if text else None

    @property
    def delivery(self) -> tuple[str, ...]:
        """Columns in which two deliveries of one row may differ."""
        spec = self.schema.spec
        return spec.delivery if spec.timestamp_follows_key else (spec.timestamp, *spec.delivery)

    @property
    def repeats_keys(self) -> bool:
        """Whether `select_with_duplicates` may return a key more than once that `select` returns once."""
        return self.one_per_key and self.one_per_key_of is None

    def within(self, window: Window) -> str:
        """The condition that a row is in the window."""
        timestamp, precision = sql.identifier(self.schema.spec.timestamp), self.schema.precision
        high = f"{timestamp} <= {sql.timestamp(window.high, precision)}"
        if window.low is None:
            return high
        return f"{timestamp} > {sql.timestamp(window.low, precision)} AND {high}"

    def select(self, chunk: Chunk, *conditions: str) -> str:
        """The rows of a chunk that meet the conditions, one per key where the filter says so."""
        if self.one_per_key_of is None and not self.one_per_key:
            return self.select_with_duplicates(chunk, *conditions)
        where = [self.within(chunk.window), *self._bounds(chunk)]
        inner = self._one_per_key([self.within(self.one_per_key_of)] if self.one_per_key_of else where)
        return f"FROM {inner} WHERE {' AND '.join([*where, *conditions])}"

    def select_with_duplicates(self, chunk: Chunk, *conditions: str) -> str:
        """The rows of a chunk that meet the conditions, duplicates of a key included."""
        where = [self.within(chunk.window), *self._bounds(chunk), *conditions, *self._exclusions()]
        return f"FROM {self.merged} WHERE {' AND '.join(where)}"

    def select_unmerged(self, chunk: Chunk) -> str | None:
        """
        The rows of a chunk without FINAL: duplicates that a Replacing table has not merged yet are included.

        None: FINAL is not all that `select` adds, or the table has no key by which duplicates could be counted.
        """
        narrowed = self.one_per_key or self.one_per_key_of or self.exclusion
        if not self.layout.replacing or not self.schema.spec.key or narrowed:
            return None
        return f"FROM {self.raw} WHERE {' AND '.join([self.within(chunk.window), *self._bounds(chunk)])}"

    @property
    def merged(self) -> str:
        """The table's quoted name as `FROM` takes it; a Replacing table without the duplicates that are not merged."""
        return f"{self.raw} FINAL" if self.layout.replacing else self.raw

    def _exclusions(self) -> list[str]:
        return [self.exclusion] if self.exclusion else []

    def _one_per_key(self, conditions: Sequence[str]) -> str:
        key = ", ".join(map(sql.identifier, self.schema.spec.key))
        order = ", ".join(map(sql.identifier, (*self.schema.spec.key, *self.delivery)))
        names = ", ".join(sql.identifier(column.name) for column in self.schema.columns)
        where = " AND ".join([*conditions, *self._exclusions()])
        return f"(SELECT {names} FROM {self.merged} WHERE {where} ORDER BY {order} LIMIT 1 BY {key})"

    def _bounds(self, chunk: Chunk) -> Iterator[str]:
        yield from map(sql.partition_is, self.schema.spec.partition, chunk.partition)
        if chunk.clusters and self.cluster:
            column = sql.identifier(self.cluster)
            first, last = map(sql.text, chunk.clusters)
            yield f"{column} = {first}" if first == last else f"{column} >= {first} AND {column} <= {last}"
