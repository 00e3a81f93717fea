"""The rows of one hot table: their count, their fingerprint and their stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.connection.client import ClickHouse
from offload.clickhouse.data_errors import (
    conflicting_duplicates,
    keys_equal_when_stored,
    unsupported_value,
    value_vanished,
)
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.hashed_stream import HASH, INVALID, KEY, TICKS, HashedStream
from offload.clickhouse.row_filter import RowFilter
from offload.clickhouse.wire_format import wire_column
from offload.errors import DataError
from offload.model.columns import MICROSECONDS, Column, TableSchema
from offload.model.fingerprint import Fingerprint, SourceFingerprint
from offload.model.splits import BatchKind, Chunk
from offload.model.windows import Window
from offload.ports.source import ChunkStream, DuplicateKeys, HotRows

KEY_HASH = "sipHash128"  # 128 bits: no two keys of any table share one
_ONE_THREAD = "max_threads = 1"  # each worker runs its own query: ClickHouse need not merge the streams of threads
# A read that merges many parts keeps a block of each in memory: with chDB that is memory of this process.
_BLOCKS = "preferred_block_size_bytes = 8000000"
_SMALL_BLOCKS = "preferred_block_size_bytes = 2000000, max_block_size = 32768"
_READ_SETTINGS = (
    "output_format_arrow_string_as_string = 1, output_format_arrow_compression_method = 'none', "
    "output_format_arrow_low_cardinality_as_dictionary = 1, output_format_arrow_fixed_string_as_fixed_byte_array = 1"
)


@dataclass(frozen=True)
class ClickHouseRows(HotRows):
    """
    A selection of rows of one table. Every query goes through `filter`, so that all of them mean the same rows.

    Attributes:
        client: The server or chDB folder.
        files: Reads cold files, for keys that cold already has.
        filter: The selection.
    """

    client: ClickHouse
    files: StoredFiles
    filter: RowFilter

    @property
    def schema(self) -> TableSchema:
        """The table's columns."""
        return self.filter.schema

    @property
    def timestamp(self) -> str:
        """The quoted name of the timestamp column."""
        return sql.identifier(self.schema.spec.timestamp)

    @override
    def for_batch(
        self, window: Window, existing: Sequence[str] = (), kind: BatchKind = BatchKind.NEW
    ) -> ClickHouseRows:
        rows = self
        if self.schema.spec.key and not self.schema.spec.timestamp_follows_key:
            chunk = Chunk(window)
            found = self._hashed(chunk)
            if found["keys"] is not None and found["keys"] < found["rows"]:
                self._refuse_conflicting_duplicates(chunk)
                rows = replace(self, filter=self.filter.deduplicated_over(window))
        return rows._narrowed(window, existing, kind) if existing else rows  # noqa: SLF001  # of its own class

    @override
    def deduplicated(self) -> ClickHouseRows:
        return replace(self, filter=self.filter.deduplicated())

    @override
    def count(self, chunk: Chunk) -> int:
        return self.count_where(chunk)

    def count_where(self, chunk: Chunk, *conditions: str) -> int:
        """Number of rows that meet the conditions now; one per key after `deduplicated`."""
        query = f"SELECT count() {self.filter.select(chunk, *conditions)}"
        if self.filter.repeats_keys:
            keys = f"uniqExact({self.hash_expression(self.schema.identity)})"
            query = f"SELECT {keys} {self.filter.select_with_duplicates(chunk, *conditions)}"
        return int(self.client.row(f"{query} SETTINGS {self._settings()}")[0])

    @override
    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        found = self._hashed(chunk)
        if found["keys"] is not None and found["keys"] < found["rows"]:
            self._refuse_conflicting_duplicates(chunk)
            found = self.deduplicated()._hashed(chunk)  # noqa: SLF001  # of its own class
        self._refuse_invalid_values(chunk, found)
        if found["hashed"] != found["rows"]:
            raise DataError(
                f"a hash for each of {found['rows']} rows of {self.schema.spec.source}",
                f"{found['hashed']} hashes",
                "report this bug with the table's CREATE statement: a column type is hashed wrongly",
            )
        return SourceFingerprint(Fingerprint(found["rows"], found["digest"]), found["last"] if found["rows"] else None)

    @override
    def read(self, chunk: Chunk) -> ChunkStream:
        # FINAL costs as much as the read itself: where no duplicate is left to merge, the rows are read without it.
        # A duplicate that arrives in between is found by its key, and a row that replaces another one by the count.
        unmerged = self.filter.select_unmerged(chunk)
        if unmerged and int(self.client.row(f"SELECT count() {unmerged}")[0]) == self.count(chunk):
            stream = self._stream(unmerged, count_keys=True)
        else:
            stream = self._stream(self.filter.select(chunk), count_keys=self.keys_may_repeat)
        return ChunkStream(iter(stream), partial(self._read_fingerprint, chunk, stream))

    def hash_expression(self, columns: Sequence[Column], function: str = "cityHash64") -> str:
        """One hash over columns, cast to the types in which they are written."""
        return sql.hash_expression([(sql.cast(column), column.mapping) for column in columns], function)

    def examples(self, chunk: Chunk, *conditions: str) -> list[tuple[Any, ...]]:
        """Keys of up to three rows that meet the conditions, as text."""
        return self.client.rows(f"SELECT {self._key_as_text()} {self.filter.select(chunk, *conditions)} LIMIT 3")

    def _narrowed(self, window: Window, existing: Sequence[str], kind: BatchKind) -> ClickHouseRows:
        """Leave out the rows whose keys are in these files, new ones with a check of their content; or keep changed."""
        cold = self.files.cold(existing, self.schema)
        key, cold_key = (side.hash_expression(self.schema.identity, KEY_HASH) for side in (self, cold))
        content = [column for column in self.schema.columns if column.name not in self.filter.delivery]
        existing_keys = f"(SELECT {cold_key} FROM {cold.table})"
        again = f"{key} IN {existing_keys}"
        chunk = Chunk(window)
        known = int(cold.row(f"SELECT count() {self.filter.select(chunk, again)}")[0])
        if not known and kind is not BatchKind.CHANGED:
            return self
        cold_pair = f"SELECT {cold_key}, {cold.hash_expression(content)} FROM {cold.table}"
        other_content = f"({key}, {self.hash_expression(content)}) NOT IN ({cold_pair})"
        if kind is BatchKind.CHANGED:
            return replace(self, filter=self.filter.excluding(f"{again} AND {other_content}"))
        if kind is BatchKind.LATE:
            return replace(self, filter=self.filter.excluding(f"{key} NOT IN {existing_keys}"))
        names = self._key_as_text()
        other = cold.rows(f"SELECT {names} {self.filter.select(chunk, again, other_content)} LIMIT 3")
        if other:
            raise conflicting_duplicates(self.schema, other)
        return replace(self, filter=self.filter.excluding(f"{key} NOT IN {existing_keys}"))

    def _hashed(self, chunk: Chunk) -> dict[str, Any]:
        keys = f"uniqExact({self.hash_expression(self.schema.identity)})" if self.keys_may_repeat else "NULL"
        invalid = {f"invalid{at}": sql.invalid_value(column) for at, column in enumerate(self.schema.columns)}
        timestamp = sql.identifier(self.schema.spec.timestamp)
        expressions = {
            "rows": "count()",
            "digest": f"sum({self.hash_expression(self.schema.columns)} AS tidemark_h)",
            "hashed": "count(tidemark_h)",
            "keys": keys,
            "last": sql.ticks(f"max({timestamp})", self.schema.precision),
            **{name: f"countIf({condition})" for name, condition in invalid.items() if condition},
        }
        selected = ", ".join(f"{expression} AS `{name}`" for name, expression in expressions.items())
        settings = f"{self._settings()}, {_ONE_THREAD}"
        found = self.client.row(f"SELECT {selected} {self.filter.select(chunk)} SETTINGS {settings}")
        return dict(zip(expressions, found, strict=True))

    def _settings(self) -> str:
        # An alias must not hide the column that a condition or an order means.
        layout = self.filter.layout
        alone = layout.replacing and layout.partition_in_sorting_key
        final = ", do_not_merge_across_partitions_select_final = 1" if alone else ""
        return f"prefer_column_name_to_alias = 1{final}"

    @property
    def keys_may_repeat(self) -> bool:
        """Whether a key can be read twice; not where FINAL leaves one row per sorting key, and that is in the key."""
        key, sorting = set(self.schema.spec.key), set(self.filter.layout.sorting_key)
        return bool(key) and not (self.filter.layout.replacing and sorting and sorting <= key)

    def _refuse_invalid_values(self, chunk: Chunk, found: dict[str, Any]) -> None:
        for at, column in enumerate(self.schema.columns):
            condition = sql.invalid_value(column)
            if condition and found[f"invalid{at}"]:
                raise unsupported_value(self.schema, column, found[f"invalid{at}"], self.examples(chunk, condition))

    def _refuse_conflicting_duplicates(self, chunk: Chunk) -> None:
        content = [column for column in self.schema.columns if column.name not in self.filter.delivery]
        key = ", ".join(map(sql.identifier, self.schema.spec.key))
        rows = self.client.rows(
            f"SELECT {self._key_as_text()} {self.filter.select(chunk)} GROUP BY {key} "
            f"HAVING uniqExact({self.hash_expression(content)}) > 1 ORDER BY {key} LIMIT 3"
        )
        if rows:
            raise conflicting_duplicates(self.schema, rows)

    def _key_as_text(self) -> str:
        names = self.schema.spec.key or (self.schema.spec.timestamp, self.schema.spec.sequence)
        return ", ".join(f"toString({sql.identifier(name)})" for name in names)

    def _read_fingerprint(self, chunk: Chunk, stream: HashedStream) -> SourceFingerprint:
        if stream.invalid:
            self._refuse_invalid_values(chunk, self._hashed(chunk))
            raise value_vanished(self.schema.spec)
        if stream.duplicates:
            self._refuse_conflicting_duplicates(chunk)
            if self.filter.one_per_key or self.filter.one_per_key_of:
                raise keys_equal_when_stored(self.schema, stream.duplicates)
            raise DuplicateKeys(f"{stream.duplicates} rows of {self.schema.spec.source} beyond one per key")
        return SourceFingerprint(Fingerprint(self.count(chunk), stream.digest), stream.last)

    def _stream(self, rows: str, *, count_keys: bool) -> HashedStream:
        columns = {column.name: wire_column(column) for column in self.schema.columns}
        invalid = [found for column in self.schema.columns if (found := sql.invalid_value(column))]
        extra_columns = {HASH: self.hash_expression(self.schema.columns)}
        if count_keys:
            extra_columns[KEY] = f"CAST({self.hash_expression(self.schema.identity)} AS UInt64)"
        if invalid:
            # A function of dictionary columns alone returns a dictionary as well.
            extra_columns[INVALID] = f"CAST({' OR '.join(invalid)} AS UInt8)"
        if self.schema.precision > MICROSECONDS:
            extra_columns[TICKS] = sql.ticks(sql.identifier(self.schema.spec.timestamp), self.schema.precision)
        expressions = [expression for column in columns.values() for expression in column.expressions]
        named = [f"{expression} AS tidemark_{at}" for at, expression in enumerate(expressions)]
        named += [f"{expression} AS {name}" for name, expression in extra_columns.items()]
        order = ", ".join(map(sql.identifier, self.schema.spec.sort))
        blocks = _SMALL_BLOCKS if self.client.embedded else _BLOCKS
        query = f"SELECT {', '.join(named)} {rows} ORDER BY {order}"
        batches = self.client.arrow(f"{query} SETTINGS {self._settings()}, {_ONE_THREAD}, {_READ_SETTINGS}, {blocks}")
        return HashedStream(batches, columns, tuple(extra_columns), self.schema.spec.timestamp, self.schema.precision)
