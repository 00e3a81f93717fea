"""The rows of one hot table: how many stand where, their fingerprint, and their stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from offload import schema, sql
from offload.clickhouse import ClickHouse
from offload.errors import DataError, SourceMoving
from offload.layout import Layout
from offload.model import Fingerprint, Piece, Seen, SourceIdentity, Window
from offload.ports import Bound
from offload.questions import Reading, Survey
from offload.refusals import cannot_be_carried, two_contents
from offload.schema import TableShape
from offload.streams import HASH, KEY, TICKS, WRONG, Stream
from offload.windows import DAY, Cell, covers

_THREADS = 1  # per query: each worker asks its own, and one thread spares the merging of streams
_PRUNABLE = {"int", "long", "string"}
_READ_SETTINGS = (
    "output_format_arrow_string_as_string = 1, output_format_arrow_compression_method = 'none', "
    "output_format_arrow_low_cardinality_as_dictionary = 0, output_format_arrow_fixed_string_as_fixed_byte_array = 1"
)


class ClickHouseTable:
    """
    One hot table as it was described, and the window that is being moved.

    Every question goes through `relation`, so that hashing, comparing and reading mean the same rows.
    """

    def __init__(self, door: ClickHouse, shape: TableShape, identity: SourceIdentity, layout: Layout) -> None:
        self.door = door
        self.shape = shape
        self.identity = identity
        self.layout = layout
        self._timestamp = sql.identifier(shape.spec.timestamp)
        self._raw = ".".join(sql.identifier(part) for part in shape.spec.source.split("."))
        self._name = f"{self._raw} FINAL" if layout.replacing else self._raw
        self._doubled: set[Piece] = set()
        self._across: Window | None = None
        self._not_cold: str | None = None

    @property
    def bytes_per_row(self) -> tuple[float, float]:
        """Bytes of a row in memory and in a data file, estimated; 0: unknown."""
        return self.layout.bytes_per_row, self.layout.stored_bytes_per_row

    # -- which rows are meant

    @property
    def cluster(self) -> str | None:
        """The first sort column where it is text before the timestamp: pieces and files are kept narrow in it."""
        first = self.shape.spec.sort[0]
        return first if first != self.shape.spec.timestamp and self.shape.column(first).carrier.text else None

    @property
    def how_it_came(self) -> tuple[str, ...]:
        """Columns in which two deliveries of one row may differ."""
        spec = self.shape.spec
        return spec.delivery if spec.timestamp_follows_key else (spec.timestamp, *spec.delivery)

    def within(self, window: Window) -> str:
        """The condition that a row lies in the window."""
        high = f"{self._timestamp} <= {sql.timestamp(window.high, self.shape.precision)}"
        if window.low is None:
            return high
        return f"{self._timestamp} > {sql.timestamp(window.low, self.shape.precision)} AND {high}"

    def relation(self, piece: Piece, *conditions: str) -> str:
        """The rows of a piece, one per key, that meet the conditions, as `FROM ... WHERE ...`."""
        where = [self.within(piece.window), *self._bounds(piece), *conditions]
        if self._across:
            return f"FROM {self._one_per_key([self.within(self._across)])} WHERE {' AND '.join(where)}"
        if any(covers(doubled, piece) for doubled in tuple(self._doubled)):
            inner = self._one_per_key([self.within(piece.window), *self._bounds(piece)])
            return f"FROM {inner} WHERE {' AND '.join(where)}"
        return f"FROM {self._name} WHERE {' AND '.join([*where, *self._aside()])}"

    def _aside(self) -> list[str]:
        return [self._not_cold] if self._not_cold else []

    def _one_per_key(self, conditions: Sequence[str]) -> str:
        key = ", ".join(map(sql.identifier, self.shape.spec.key))
        order = ", ".join(map(sql.identifier, (*self.shape.spec.key, *self.how_it_came)))
        names = ", ".join(sql.identifier(column.name) for column in self.shape.columns)
        where = " AND ".join([*conditions, *self._aside()])
        return f"(SELECT {names} FROM {self._name} WHERE {where} ORDER BY {order} LIMIT 1 BY {key})"

    def _bounds(self, piece: Piece) -> Iterator[str]:
        yield from map(sql.partition_is, self.shape.spec.partition, piece.partition)
        if piece.clusters and self.cluster:
            column = sql.identifier(self.cluster)
            first, last = map(sql.text, piece.clusters)
            yield f"{column} = {first}" if first == last else f"{column} >= {first} AND {column} <= {last}"

    def leave_out(self, condition: str) -> None:
        """From now on mean only the rows that meet the condition (keys that stand in cold already are left out)."""
        self._not_cold = condition

    def one_batch(self, window: Window) -> None:
        """
        Begin a batch: where the timestamp does not follow the key, look for deliveries of one row across the window.

        Raises:
            DataError: A key with two contents.
        """
        self._across, self._not_cold, self._doubled = None, None, set()
        self._refuse_what_cannot_be_cut(window)
        if self.shape.spec.key and not self.shape.spec.timestamp_follows_key:
            piece = Piece(window)
            row = self._hashed(piece)
            if row["keys"] is not None and row["keys"] < row["rows"]:
                self._refuse_two_contents(piece)
                self._across = window

    def hash_of(self, columns: Sequence[schema.CarriedColumn], function: str = "cityHash64") -> str:
        """One hash over columns in the types that they travel in."""
        return sql.hash_of([(sql.carried(column), column.carrier) for column in columns], function)

    def survey(self, window: Window) -> Survey:
        """Count the window as it stands, duplicates included, and say what is odd in it."""
        expired = f"countIf({self.layout.ttl} <= now())" if self.layout.ttl else "0"
        zero = sql.timestamp(0, self.shape.precision)
        asked = f"count(), countIf({self._timestamp} = {zero}), {expired}"
        rows = self.door.rows(f"SELECT {asked} FROM {self._raw} WHERE {self.within(window)}")
        return Survey(*map(int, rows[0]))

    def cells(self, window: Window, bucket: int, *, clustered: bool) -> list[Cell]:
        """Count raw rows per bucket of `bucket` ticks; `clustered`: per partition and cluster too."""
        at = sql.bucket(self._timestamp, self.shape.precision, bucket)
        parts = (
            {f"p{n}": sql.partition_of(field) for n, field in enumerate(self.shape.spec.partition)} if clustered else {}
        )
        named = clustered and self.cluster is not None
        cluster = sql.identifier(self.cluster or "") if named else "''"
        inner = "".join(f"{expression} AS {name}, " for name, expression in parts.items())
        texts = ", ".join(f"toString({name})" for name in parts)
        # Counted in the columns' own types, and turned to text once per group.
        rows = self.door.rows(
            f"SELECT CAST([{texts}] AS Array(String)), toString(c), b, n FROM "
            f"(SELECT {inner}{cluster} AS c, {at} AS b, count() AS n FROM {self._raw} "
            f"WHERE {self.within(window)} GROUP BY {', '.join([*parts, 'c', 'b'])}) ORDER BY ALL"
        )
        return [Cell(tuple(part), value if named else None, int(start), int(n)) for part, value, start, n in rows]

    def look(self, piece: Piece) -> Seen:
        """
        Fingerprint the rows of a piece, one per key, in the target's types.

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
        """
        row = self._hashed(piece)
        if row["keys"] is not None and row["keys"] < row["rows"] and piece not in self._doubled and not self._across:
            self._refuse_two_contents(piece)
            self._doubled.add(piece)  # one thread works on one piece, and adding to a set is atomic
            row = self._hashed(piece)
        self._refuse_violations(piece, row)
        if row["hashed"] != row["rows"]:
            raise DataError(
                f"a hash for each of {row['rows']} rows of {self.shape.spec.source}",
                f"{row['hashed']} hashes",
                "report it: a column type is hashed wrongly",
            )
        return Seen(Fingerprint(row["rows"], row["digest"]), row["last"] if row["rows"] else None)

    def _refuse_what_cannot_be_cut(self, window: Window) -> None:
        """Pieces are cut by values as text: one that is no text would be in none, and no look would miss it."""
        used = {self.cluster, *(field.column for field in self.shape.spec.partition if field.transform == "identity")}
        for column in self.shape.columns:
            condition = sql.violation(column) if column.name in used else None
            if condition and (count := self.count(Piece(window), condition)):
                rows = self.door.rows(f"SELECT {self._shown()} {self.relation(Piece(window), condition)} LIMIT 3")
                raise cannot_be_carried(self.shape, column, count, rows)

    def count(self, piece: Piece, *conditions: str) -> int:
        """How many rows there are now, one per key."""
        apart = f"uniqExact({self.hash_of(self.shape.identity)})" if self._doubled and not self._across else "count()"
        return int(
            self.door.rows(f"SELECT {apart} {self.relation(piece, *conditions)} SETTINGS {self._settings()}")[0][0]
        )

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
        answer = self.door.rows(f"SELECT {selected} {self.relation(piece)} SETTINGS {self._settings()}")
        return dict(zip(asked, answer[0], strict=True))

    def _settings(self) -> str:
        # An alias must not shadow the column that a condition or an order means.
        alone = self.layout.replacing and self.layout.partition_in_sorting_key
        final = ", do_not_merge_across_partitions_select_final = 1" if alone else ""
        return f"prefer_column_name_to_alias = 1, max_threads = {_THREADS}{final}"

    def _keys_to_count(self) -> bool:
        """FINAL leaves one row per sorting key: where that lies within the key, no key can occur twice."""
        key, sorting = set(self.shape.spec.key), set(self.layout.sorting_key)
        return bool(key) and not (self.layout.replacing and sorting and sorting <= key)

    def _refuse_violations(self, piece: Piece, row: dict[str, Any]) -> None:
        for at, column in enumerate(self.shape.columns):
            condition = sql.violation(column)
            if condition and row[f"wrong{at}"]:
                rows = self.door.rows(f"SELECT {self._shown()} {self.relation(piece, condition)} LIMIT 3")
                raise cannot_be_carried(self.shape, column, row[f"wrong{at}"], rows)

    def _refuse_two_contents(self, piece: Piece) -> None:
        content = [column for column in self.shape.columns if column.name not in self.how_it_came]
        key = ", ".join(map(sql.identifier, self.shape.spec.key))
        rows = self.door.rows(
            f"SELECT {self._shown()} {self.relation(piece)} GROUP BY {key} "
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

        Raises:
            DataError: A value that cannot be carried, or a key with two contents.
            SourceMoving: A value that cannot be carried came and went.
        """
        stream = self._stream(piece)
        if self._keys_to_count() and stream.keys < stream.rows and not self._across:
            self._refuse_two_contents(piece)
            self._doubled.add(piece)  # one thread works on one piece, and adding to a set is atomic
            stream = self._stream(piece)
        if stream.wrong:
            self._refuse_violations(piece, self._hashed(piece))
            spec = self.shape.spec
            raise SourceMoving(f"{spec.source} to hold still", "a value that came and went", spec.command("run"))
        return Reading(stream.batches, Seen(Fingerprint(self.count(piece), stream.digest), stream.last))

    def _stream(self, piece: Piece) -> Stream:
        columns = [f"{sql.carried(column)} AS {sql.identifier(column.name)}" for column in self.shape.columns]
        wrong = [found for column in self.shape.columns if (found := sql.violation(column))]
        beside = {
            HASH: self.hash_of(self.shape.columns),
            KEY: self.hash_of(self.shape.identity) if self._keys_to_count() else "toUInt64(0)",
            WRONG: f"toUInt8({' OR '.join(wrong) or '0'})",
            TICKS: sql.ticks(self._timestamp, self.shape.precision),
        }
        columns += [f"{expression} AS {name}" for name, expression in beside.items()]
        order = ", ".join(map(sql.identifier, self.shape.spec.sort))
        return Stream(
            self.door.arrow(
                f"SELECT {', '.join(columns)} {self.relation(piece)} ORDER BY {order} "
                f"SETTINGS {self._settings()}, {_READ_SETTINGS}"
            )
        )

    def sequence_at(self, ticks: int) -> int | None:
        """The largest sequence at that timestamp; None: no row bears it any more."""
        answer = self.door.rows(
            f"SELECT count(), max({sql.identifier(self.shape.spec.sequence)}) FROM {self._raw} "
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
        answer = self.door.rows(f"SELECT {', '.join(asked)} {self.relation(Piece(window))}")[0]
        return [(name, answer[2 * at], answer[2 * at + 1]) for at, name in enumerate(names)]

    def oldest(self) -> int | None:
        """Ticks from which hot should hold every row: its oldest day, less what the TTL may have taken."""
        kept = f"{self.layout.ttl} > now()" if self.layout.ttl else "1"
        at = sql.ticks(f"minIf({self._timestamp}, {kept})", self.shape.precision)
        count, ticks = self.door.rows(f"SELECT countIf({kept}), {at} FROM {self._raw}")[0]
        if not count:
            return None
        day = DAY * 10**self.shape.precision
        return int(ticks) if self.layout.ttl else int(ticks) - int(ticks) % day
