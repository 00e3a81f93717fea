"""The rows of one hot table: how many stand where, their fingerprint, and their stream."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from offload.clickhouse import sql
from offload.clickhouse.client import ClickHouse
from offload.clickhouse.data_errors import conflicting_duplicates, unsupported_value
from offload.clickhouse.hashed_stream import HASH, KEY, TICKS, WRONG, HashedStream
from offload.clickhouse.layout import Layout
from offload.clickhouse.row_filter import RowFilter
from offload.clickhouse.wire_format import wire_column
from offload.errors import DataError, DuplicateKeys, SourceMoving
from offload.model.columns import MICROSECONDS, Column, TableSchema
from offload.model.fingerprint import Fingerprint, SourceFingerprint
from offload.model.splits import BucketCount, Chunk
from offload.model.token import SourceIdentity
from offload.model.windows import DAY, Window
from offload.ports.source import Bound, ChunkStream, WindowStats

_ONE_THREAD = "max_threads = 1"  # per query that reads: each worker asks its own, and no streams have to be merged
# A read that merges many parts holds a block for each of them: in the process that memory is ours.
_BLOCKS = "preferred_block_size_bytes = 8000000"
_SMALL_BLOCKS = "preferred_block_size_bytes = 2000000, max_block_size = 32768"
_PRUNABLE = {"int", "long", "string"}
_READ_SETTINGS = (
    "output_format_arrow_string_as_string = 1, output_format_arrow_compression_method = 'none', "
    "output_format_arrow_low_cardinality_as_dictionary = 1, output_format_arrow_fixed_string_as_fixed_byte_array = 1"
)


class ClickHouseTable:
    """
    One hot table as it was described, and the window that is being moved.

    Every question goes through `rows`, so that hashing, comparing and reading mean the same ones.
    """

    def __init__(self, client: ClickHouse, schema: TableSchema, identity: SourceIdentity, layout: Layout) -> None:
        self.client = client
        self.schema = schema
        self.identity = identity
        self.layout = layout
        self.rows = RowFilter(schema, layout)
        self._timestamp = sql.identifier(schema.spec.timestamp)

    @property
    def stored_bytes_per_row(self) -> float:
        """Bytes of a row in a data file, estimated; 0: unknown."""
        return self.layout.stored_bytes_per_row

    def one_batch(self, window: Window) -> None:
        """
        Begin a batch: where the timestamp does not follow the key, look for deliveries of one row across the window.

        Raises:
            DataError: A key with two contents.
        """
        self.rows.begin()
        if self.schema.spec.key and not self.schema.spec.timestamp_follows_key:
            chunk = Chunk(window)
            row = self._hashed(chunk)
            if row["keys"] is not None and row["keys"] < row["rows"]:
                self._refuse_conflicting_duplicates(chunk)
                self.rows.keep_one_across(window)

    def hash_expression(self, columns: Sequence[Column], function: str = "cityHash64") -> str:
        """One hash over columns in the types that they travel in."""
        return sql.hash_expression([(sql.cast(column), column.mapping) for column in columns], function)

    def window_stats(self, window: Window) -> WindowStats:
        """Count the window as it stands, duplicates included, and say what is odd in it."""
        expired = f"countIf({self.layout.ttl} <= now())" if self.layout.ttl else "0"
        zero = sql.timestamp(0, self.schema.precision)
        asked = f"count(), countIf({self._timestamp} = {zero}), {expired}"
        rows = self.client.rows(f"SELECT {asked} FROM {self.rows.raw} WHERE {self.rows.within(window)}")
        return WindowStats(*map(int, rows[0]))

    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        """Count raw rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""
        at = sql.bucket(self._timestamp, self.schema.precision, bucket)
        parts = (
            {f"p{n}": sql.partition_of(field) for n, field in enumerate(self.schema.spec.partition)}
            if clustered
            else {}
        )
        named = clustered and self.rows.cluster is not None
        cluster = sql.identifier(self.rows.cluster or "") if named else "''"
        inner = "".join(f"{expression} AS {name}, " for name, expression in parts.items())
        texts = ", ".join(f"toString({name})" for name in parts)
        # Counted in the columns' own types, and turned to text once per group.
        rows = self.client.rows(
            f"SELECT CAST([{texts}] AS Array(String)), toString(c), b, n, w FROM "
            f"(SELECT {inner}{cluster} AS c, {at} AS b, count() AS n, {self._uncuttable() if clustered else 0} AS w "
            f"FROM {self.rows.raw} WHERE {self.rows.within(window)} GROUP BY {', '.join([*parts, 'c', 'b'])}) "
            "ORDER BY ALL"
        )
        if any(row[4] for row in rows):
            self._refuse_what_cannot_be_cut(window)
        return [
            BucketCount(tuple(part), value if named else None, int(start), int(n)) for part, value, start, n, _ in rows
        ]

    def _cut_by(self) -> list[Column]:
        """Pieces are cut by these columns' values as text: a value that is no text would be in none of them."""
        used = {self.rows.cluster, *(one.column for one in self.schema.spec.partition if one.transform == "identity")}
        return [column for column in self.schema.columns if column.name in used and sql.invalid_value(column)]

    def _uncuttable(self) -> str:
        wrong = [f"({sql.invalid_value(column)})" for column in self._cut_by()]
        return f"countIf({' OR '.join(wrong)})" if wrong else "0"

    def _refuse_what_cannot_be_cut(self, window: Window) -> None:
        chunk = Chunk(window)
        for column in self._cut_by():
            condition = sql.invalid_value(column) or "0"
            if count := self.count(chunk, condition):
                rows = self.client.rows(f"SELECT {self._shown()} {self.rows.select(chunk, condition)} LIMIT 3")
                raise unsupported_value(self.schema, column, count, rows)
        raise self._value_vanished()

    def fingerprint(self, chunk: Chunk) -> SourceFingerprint:
        """
        Fingerprint the rows of a piece, one per key, in the target's types.

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
        """
        row = self._hashed(chunk)
        if row["keys"] is not None and row["keys"] < row["rows"]:
            self._refuse_conflicting_duplicates(chunk)
            self.rows.one_per_key = True
            row = self._hashed(chunk)
        self._refuse_invalid_values(chunk, row)
        if row["hashed"] != row["rows"]:
            raise DataError(
                f"a hash for each of {row['rows']} rows of {self.schema.spec.source}",
                f"{row['hashed']} hashes",
                "report it: a column type is hashed wrongly",
            )
        return SourceFingerprint(Fingerprint(row["rows"], row["digest"]), row["last"] if row["rows"] else None)

    def count(self, chunk: Chunk, *conditions: str) -> int:
        """How many rows there are now, one per key."""
        asked = f"SELECT count() {self.rows.select(chunk, *conditions)}"
        if self.rows.repeats:
            keys = f"uniqExact({self.hash_expression(self.schema.identity)})"
            asked = f"SELECT {keys} {self.rows.select_with_duplicates(chunk, *conditions)}"
        return int(self.client.rows(f"{asked} SETTINGS {self._settings()}")[0][0])

    def _hashed(self, chunk: Chunk) -> dict[str, Any]:
        keys = f"uniqExact({self.hash_expression(self.schema.identity)})" if self._keys_to_count() else "NULL"
        wrong = {f"wrong{at}": sql.invalid_value(column) for at, column in enumerate(self.schema.columns)}
        asked = {
            "rows": "count()",
            "digest": f"sum({self.hash_expression(self.schema.columns)} AS h)",
            "hashed": "count(h)",
            "keys": keys,
            "last": sql.ticks(f"max({self._timestamp})", self.schema.precision),
            **{name: f"countIf({condition})" for name, condition in wrong.items() if condition},
        }
        selected = ", ".join(f"{expression} AS `{name}`" for name, expression in asked.items())
        answer = self.client.rows(
            f"SELECT {selected} {self.rows.select(chunk)} SETTINGS {self._settings()}, {_ONE_THREAD}"
        )
        return dict(zip(asked, answer[0], strict=True))

    def _settings(self) -> str:
        # An alias must not shadow the column that a condition or an order means.
        alone = self.layout.replacing and self.layout.partition_in_sorting_key
        final = ", do_not_merge_across_partitions_select_final = 1" if alone else ""
        return f"prefer_column_name_to_alias = 1{final}"

    def _keys_to_count(self) -> bool:
        """FINAL leaves one row per sorting key: where that lies within the key, no key can occur twice."""
        key, sorting = set(self.schema.spec.key), set(self.layout.sorting_key)
        return bool(key) and not (self.layout.replacing and sorting and sorting <= key)

    def _refuse_invalid_values(self, chunk: Chunk, row: dict[str, Any]) -> None:
        for at, column in enumerate(self.schema.columns):
            condition = sql.invalid_value(column)
            if condition and row[f"wrong{at}"]:
                rows = self.client.rows(f"SELECT {self._shown()} {self.rows.select(chunk, condition)} LIMIT 3")
                raise unsupported_value(self.schema, column, row[f"wrong{at}"], rows)

    def _refuse_conflicting_duplicates(self, chunk: Chunk) -> None:
        content = [column for column in self.schema.columns if column.name not in self.rows.how_it_came]
        key = ", ".join(map(sql.identifier, self.schema.spec.key))
        rows = self.client.rows(
            f"SELECT {self._shown()} {self.rows.select(chunk)} GROUP BY {key} "
            f"HAVING uniqExact({self.hash_expression(content)}) > 1 ORDER BY {key} LIMIT 3"
        )
        if rows:
            raise conflicting_duplicates(self.schema, rows)

    def _shown(self) -> str:
        names = self.schema.spec.key or (self.schema.spec.timestamp, self.schema.spec.sequence)
        return ", ".join(f"toString({sql.identifier(name)})" for name in names)

    def read(self, chunk: Chunk) -> ChunkStream:
        """
        Read the rows of a piece, one per key, sorted, in the types that they travel in, with a look at them.

        One query reads and hashes; another counts, since a stream that ends is no proof that it was whole.
        FINAL costs as much as reading: where nothing is left to be merged, rows are read as they stand. What comes in
        between is told by its key, or, where it replaces a row of another key, by the count.
        The look raises:
            DataError: A value that cannot be carried, or a key with two contents.
            SourceMoving: A value that cannot be carried came and went.
            DuplicateKeys: A key came twice; reading again gives it once.
        """
        standing = self.rows.select_unmerged(chunk)
        if standing and int(self.client.rows(f"SELECT count() {standing}")[0][0]) == self.count(chunk):
            stream = self._stream(standing, count_keys=True)
        else:
            stream = self._stream(self.rows.select(chunk), count_keys=self._keys_to_count())
        return ChunkStream(iter(stream), partial(self._seen, chunk, stream))

    def _seen(self, chunk: Chunk, stream: HashedStream) -> SourceFingerprint:
        if stream.wrong:
            self._refuse_invalid_values(chunk, self._hashed(chunk))
            raise self._value_vanished()
        if duplicates := stream.duplicates:
            self._refuse_conflicting_duplicates(chunk)
            self.rows.one_per_key = True
            found = f"{duplicates} deliveries too many"
            raise DuplicateKeys(f"each key of {self.schema.spec.source} once", found, self.schema.spec.command("run"))
        return SourceFingerprint(Fingerprint(self.count(chunk), stream.digest), stream.last)

    def _value_vanished(self) -> SourceMoving:
        spec = self.schema.spec
        return SourceMoving(f"{spec.source} to hold still", "a value that came and went", spec.command("run"))

    def _stream(self, rows: str, *, count_keys: bool) -> HashedStream:
        columns = {column.name: wire_column(column) for column in self.schema.columns}
        wrong = [found for column in self.schema.columns if (found := sql.invalid_value(column))]
        extra_columns = {HASH: self.hash_expression(self.schema.columns)}
        if count_keys:
            extra_columns[KEY] = f"CAST({self.hash_expression(self.schema.identity)} AS UInt64)"
        if wrong:
            # Of text of few values alone, a function gives a dictionary as well.
            extra_columns[WRONG] = f"CAST({' OR '.join(wrong)} AS UInt8)"
        if self.schema.precision > MICROSECONDS:
            extra_columns[TICKS] = sql.ticks(self._timestamp, self.schema.precision)
        asked = [expression for column in columns.values() for expression in column.expressions]
        named = [f"{expression} AS tidemark_{at}" for at, expression in enumerate(asked)]
        named += [f"{expression} AS {name}" for name, expression in extra_columns.items()]
        order = ", ".join(map(sql.identifier, self.schema.spec.sort))
        blocks = _SMALL_BLOCKS if self.client.embedded else _BLOCKS
        query = f"SELECT {', '.join(named)} {rows} ORDER BY {order}"
        batches = self.client.arrow(f"{query} SETTINGS {self._settings()}, {_ONE_THREAD}, {_READ_SETTINGS}, {blocks}")
        return HashedStream(batches, columns, tuple(extra_columns), self.schema.spec.timestamp, self.schema.precision)

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: no row bears it any more."""
        answer = self.client.rows(
            f"SELECT count(), max({sql.identifier(self.schema.spec.sequence)}) FROM {self.rows.raw} "
            f"WHERE {self._timestamp} = {sql.timestamp(ticks, self.schema.precision)}"
        )
        count, last = answer[0]
        return int(last) if count else None

    def key_bounds(self, window: Window) -> list[Bound]:
        """The range of each key column in the window, where manifests can be pruned by it."""
        names = [name for name in self.schema.spec.key if self.schema.column(name).mapping.iceberg in _PRUNABLE]
        if not names:
            return []
        asked = [f"{side}({sql.cast(self.schema.column(name))})" for name in names for side in ("min", "max")]
        answer = self.client.rows(f"SELECT {', '.join(asked)} {self.rows.select(Chunk(window))}")[0]
        return [(name, answer[2 * at], answer[2 * at + 1]) for at, name in enumerate(names)]

    def oldest(self) -> int | None:
        """Ticks from which hot should hold every row: its oldest day, less what the TTL may have taken."""
        kept = f"{self.layout.ttl} > now()" if self.layout.ttl else "1"
        at = sql.ticks(f"minIf({self._timestamp}, {kept})", self.schema.precision)
        count, ticks = self.client.rows(f"SELECT countIf({kept}), {at} FROM {self.rows.raw}")[0]
        if not count:
            return None
        day = DAY * 10**self.schema.precision
        return int(ticks) if self.layout.ttl else int(ticks) - int(ticks) % day
