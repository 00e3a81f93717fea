"""The rows of one hot table: how many stand where, their fingerprint, and their stream."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from offload.clickhouse import sql
from offload.clickhouse.client import ClickHouse
from offload.clickhouse.data_errors import cannot_be_carried, two_contents
from offload.clickhouse.hashed_stream import HASH, KEY, TICKS, WRONG, Stream
from offload.clickhouse.layout import Layout
from offload.clickhouse.row_filter import Selection
from offload.clickhouse.wire_format import crossing
from offload.errors import DataError, KeysDoubled, SourceMoving
from offload.model.columns import MICROSECONDS, CarriedColumn, TableShape
from offload.model.fingerprint import Fingerprint, Seen
from offload.model.splits import Cell, Piece
from offload.model.token import SourceIdentity
from offload.model.windows import DAY, Window
from offload.ports.source import Bound, Reading, Survey

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

    def __init__(self, door: ClickHouse, shape: TableShape, identity: SourceIdentity, layout: Layout) -> None:
        self.door = door
        self.shape = shape
        self.identity = identity
        self.layout = layout
        self.rows = Selection(shape, layout)
        self._timestamp = sql.identifier(shape.spec.timestamp)

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
        if self.shape.spec.key and not self.shape.spec.timestamp_follows_key:
            piece = Piece(window)
            row = self._hashed(piece)
            if row["keys"] is not None and row["keys"] < row["rows"]:
                self._refuse_two_contents(piece)
                self.rows.keep_one_across(window)

    def hash_of(self, columns: Sequence[CarriedColumn], function: str = "cityHash64") -> str:
        """One hash over columns in the types that they travel in."""
        return sql.hash_of([(sql.carried(column), column.carrier) for column in columns], function)

    def survey(self, window: Window) -> Survey:
        """Count the window as it stands, duplicates included, and say what is odd in it."""
        expired = f"countIf({self.layout.ttl} <= now())" if self.layout.ttl else "0"
        zero = sql.timestamp(0, self.shape.precision)
        asked = f"count(), countIf({self._timestamp} = {zero}), {expired}"
        rows = self.door.rows(f"SELECT {asked} FROM {self.rows.raw} WHERE {self.rows.within(window)}")
        return Survey(*map(int, rows[0]))

    def cells(self, window: Window, bucket: int, *, clustered: bool) -> list[Cell]:
        """Count raw rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""
        at = sql.bucket(self._timestamp, self.shape.precision, bucket)
        parts = (
            {f"p{n}": sql.partition_of(field) for n, field in enumerate(self.shape.spec.partition)} if clustered else {}
        )
        named = clustered and self.rows.cluster is not None
        cluster = sql.identifier(self.rows.cluster or "") if named else "''"
        inner = "".join(f"{expression} AS {name}, " for name, expression in parts.items())
        texts = ", ".join(f"toString({name})" for name in parts)
        # Counted in the columns' own types, and turned to text once per group.
        rows = self.door.rows(
            f"SELECT CAST([{texts}] AS Array(String)), toString(c), b, n, w FROM "
            f"(SELECT {inner}{cluster} AS c, {at} AS b, count() AS n, {self._uncuttable() if clustered else 0} AS w "
            f"FROM {self.rows.raw} WHERE {self.rows.within(window)} GROUP BY {', '.join([*parts, 'c', 'b'])}) "
            "ORDER BY ALL"
        )
        if any(row[4] for row in rows):
            self._refuse_what_cannot_be_cut(window)
        return [Cell(tuple(part), value if named else None, int(start), int(n)) for part, value, start, n, _ in rows]

    def _cut_by(self) -> list[CarriedColumn]:
        """Pieces are cut by these columns' values as text: a value that is no text would be in none of them."""
        used = {self.rows.cluster, *(one.column for one in self.shape.spec.partition if one.transform == "identity")}
        return [column for column in self.shape.columns if column.name in used and sql.violation(column)]

    def _uncuttable(self) -> str:
        wrong = [f"({sql.violation(column)})" for column in self._cut_by()]
        return f"countIf({' OR '.join(wrong)})" if wrong else "0"

    def _refuse_what_cannot_be_cut(self, window: Window) -> None:
        piece = Piece(window)
        for column in self._cut_by():
            condition = sql.violation(column) or "0"
            if count := self.count(piece, condition):
                rows = self.door.rows(f"SELECT {self._shown()} {self.rows.of(piece, condition)} LIMIT 3")
                raise cannot_be_carried(self.shape, column, count, rows)
        raise self._came_and_went()

    def look(self, piece: Piece) -> Seen:
        """
        Fingerprint the rows of a piece, one per key, in the target's types.

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
        """
        row = self._hashed(piece)
        if row["keys"] is not None and row["keys"] < row["rows"]:
            self._refuse_two_contents(piece)
            self.rows.one_per_key = True
            row = self._hashed(piece)
        self._refuse_violations(piece, row)
        if row["hashed"] != row["rows"]:
            raise DataError(
                f"a hash for each of {row['rows']} rows of {self.shape.spec.source}",
                f"{row['hashed']} hashes",
                "report it: a column type is hashed wrongly",
            )
        return Seen(Fingerprint(row["rows"], row["digest"]), row["last"] if row["rows"] else None)

    def count(self, piece: Piece, *conditions: str) -> int:
        """How many rows there are now, one per key."""
        asked = f"SELECT count() {self.rows.of(piece, *conditions)}"
        if self.rows.repeats:
            asked = f"SELECT uniqExact({self.hash_of(self.shape.identity)}) {self.rows.every(piece, *conditions)}"
        return int(self.door.rows(f"{asked} SETTINGS {self._settings()}")[0][0])

    def _hashed(self, piece: Piece) -> dict[str, Any]:
        keys = f"uniqExact({self.hash_of(self.shape.identity)})" if self._keys_to_count() else "NULL"
        wrong = {f"wrong{at}": sql.violation(column) for at, column in enumerate(self.shape.columns)}
        asked = {
            "rows": "count()",
            "digest": f"sum({self.hash_of(self.shape.columns)} AS h)",
            "hashed": "count(h)",
            "keys": keys,
            "last": sql.ticks(f"max({self._timestamp})", self.shape.precision),
            **{name: f"countIf({condition})" for name, condition in wrong.items() if condition},
        }
        selected = ", ".join(f"{expression} AS `{name}`" for name, expression in asked.items())
        answer = self.door.rows(f"SELECT {selected} {self.rows.of(piece)} SETTINGS {self._settings()}, {_ONE_THREAD}")
        return dict(zip(asked, answer[0], strict=True))

    def _settings(self) -> str:
        # An alias must not shadow the column that a condition or an order means.
        alone = self.layout.replacing and self.layout.partition_in_sorting_key
        final = ", do_not_merge_across_partitions_select_final = 1" if alone else ""
        return f"prefer_column_name_to_alias = 1{final}"

    def _keys_to_count(self) -> bool:
        """FINAL leaves one row per sorting key: where that lies within the key, no key can occur twice."""
        key, sorting = set(self.shape.spec.key), set(self.layout.sorting_key)
        return bool(key) and not (self.layout.replacing and sorting and sorting <= key)

    def _refuse_violations(self, piece: Piece, row: dict[str, Any]) -> None:
        for at, column in enumerate(self.shape.columns):
            condition = sql.violation(column)
            if condition and row[f"wrong{at}"]:
                rows = self.door.rows(f"SELECT {self._shown()} {self.rows.of(piece, condition)} LIMIT 3")
                raise cannot_be_carried(self.shape, column, row[f"wrong{at}"], rows)

    def _refuse_two_contents(self, piece: Piece) -> None:
        content = [column for column in self.shape.columns if column.name not in self.rows.how_it_came]
        key = ", ".join(map(sql.identifier, self.shape.spec.key))
        rows = self.door.rows(
            f"SELECT {self._shown()} {self.rows.of(piece)} GROUP BY {key} "
            f"HAVING uniqExact({self.hash_of(content)}) > 1 ORDER BY {key} LIMIT 3"
        )
        if rows:
            raise two_contents(self.shape, rows)

    def _shown(self) -> str:
        names = self.shape.spec.key or (self.shape.spec.timestamp, self.shape.spec.sequence)
        return ", ".join(f"toString({sql.identifier(name)})" for name in names)

    def read(self, piece: Piece) -> Reading:
        """
        Read the rows of a piece, one per key, sorted, in the types that they travel in, with a look at them.

        One query reads and hashes; another counts, since a stream that ends is no proof that it was whole.
        FINAL costs as much as reading: where nothing is left to be merged, rows are read as they stand. What comes in
        between is told by its key, or, where it replaces a row of another key, by the count.
        The look raises:
            DataError: A value that cannot be carried, or a key with two contents.
            SourceMoving: A value that cannot be carried came and went.
            KeysDoubled: A key came twice; reading again gives it once.
        """
        standing = self.rows.standing(piece)
        if standing and int(self.door.rows(f"SELECT count() {standing}")[0][0]) == self.count(piece):
            stream = self._stream(standing, count_keys=True)
        else:
            stream = self._stream(self.rows.of(piece), count_keys=self._keys_to_count())
        return Reading(iter(stream), partial(self._seen, piece, stream))

    def _seen(self, piece: Piece, stream: Stream) -> Seen:
        if stream.wrong:
            self._refuse_violations(piece, self._hashed(piece))
            raise self._came_and_went()
        if copies := stream.copies:
            self._refuse_two_contents(piece)
            self.rows.one_per_key = True
            found = f"{copies} deliveries too many"
            raise KeysDoubled(f"each key of {self.shape.spec.source} once", found, self.shape.spec.command("run"))
        return Seen(Fingerprint(self.count(piece), stream.digest), stream.last)

    def _came_and_went(self) -> SourceMoving:
        spec = self.shape.spec
        return SourceMoving(f"{spec.source} to hold still", "a value that came and went", spec.command("run"))

    def _stream(self, rows: str, *, count_keys: bool) -> Stream:
        columns = {column.name: crossing(column) for column in self.shape.columns}
        wrong = [found for column in self.shape.columns if (found := sql.violation(column))]
        beside = {HASH: self.hash_of(self.shape.columns)}
        if count_keys:
            beside[KEY] = f"CAST({self.hash_of(self.shape.identity)} AS UInt64)"
        if wrong:
            # Of text of few values alone, a function gives a dictionary as well.
            beside[WRONG] = f"CAST({' OR '.join(wrong)} AS UInt8)"
        if self.shape.precision > MICROSECONDS:
            beside[TICKS] = sql.ticks(self._timestamp, self.shape.precision)
        asked = [expression for column in columns.values() for expression in column.expressions]
        named = [f"{expression} AS tidemark_{at}" for at, expression in enumerate(asked)]
        named += [f"{expression} AS {name}" for name, expression in beside.items()]
        order = ", ".join(map(sql.identifier, self.shape.spec.sort))
        blocks = _SMALL_BLOCKS if self.door.embedded else _BLOCKS
        query = f"SELECT {', '.join(named)} {rows} ORDER BY {order}"
        batches = self.door.arrow(f"{query} SETTINGS {self._settings()}, {_ONE_THREAD}, {_READ_SETTINGS}, {blocks}")
        return Stream(batches, columns, tuple(beside), self.shape.spec.timestamp, self.shape.precision)

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: no row bears it any more."""
        answer = self.door.rows(
            f"SELECT count(), max({sql.identifier(self.shape.spec.sequence)}) FROM {self.rows.raw} "
            f"WHERE {self._timestamp} = {sql.timestamp(ticks, self.shape.precision)}"
        )
        count, last = answer[0]
        return int(last) if count else None

    def key_bounds(self, window: Window) -> list[Bound]:
        """The range of each key column in the window, where manifests can be pruned by it."""
        names = [name for name in self.shape.spec.key if self.shape.column(name).carrier.iceberg in _PRUNABLE]
        if not names:
            return []
        asked = [f"{side}({sql.carried(self.shape.column(name))})" for name in names for side in ("min", "max")]
        answer = self.door.rows(f"SELECT {', '.join(asked)} {self.rows.of(Piece(window))}")[0]
        return [(name, answer[2 * at], answer[2 * at + 1]) for at, name in enumerate(names)]

    def oldest(self) -> int | None:
        """Ticks from which hot should hold every row: its oldest day, less what the TTL may have taken."""
        kept = f"{self.layout.ttl} > now()" if self.layout.ttl else "1"
        at = sql.ticks(f"minIf({self._timestamp}, {kept})", self.shape.precision)
        count, ticks = self.door.rows(f"SELECT countIf({kept}), {at} FROM {self.rows.raw}")[0]
        if not count:
            return None
        day = DAY * 10**self.shape.precision
        return int(ticks) if self.layout.ttl else int(ticks) - int(ticks) % day
