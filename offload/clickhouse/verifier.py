"""Hot against cold, by the engine that holds the hot rows: it hashes both sides with one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offload.clickhouse import sql
from offload.clickhouse.client import ClickHouse
from offload.clickhouse.data_errors import conflicting_duplicates
from offload.clickhouse.hot_table import ClickHouseTable
from offload.errors import DataError
from offload.model.columns import MICROSECONDS, Column, TableSchema, TypeMapping
from offload.model.fingerprint import Fingerprint
from offload.model.splits import Chunk
from offload.model.windows import DAY, HOUR, Window, clip
from offload.ports.source import HotTable
from offload.ports.verifier import Difference, LateRowsQuery

_KEY_HASH = "sipHash128"  # 128 bits: no two keys of any table share one
_ALL_TIME = (-2_208_988_800, 10_413_791_999)  # what DateTime64 holds, 1900 to 2299, in seconds since 1970


class ClickHouseVerifier:
    """
    Reads data files where ClickHouse can: `file()` in the process, `s3()` from a server.

    Args:
        door: The engine that reads the files.
        table_function: Makes the table function, such as `file('/a.parquet', 'Parquet')`, that reads these paths.
    """

    def __init__(self, client: ClickHouse, table_function: Callable[[Sequence[str]], str]) -> None:
        self._client = client
        self._from = table_function

    def stored(self, schema: TableSchema, paths: Sequence[str]) -> dict[str, Fingerprint]:
        """
        Fingerprint each stored file, read in its physical types.

        Raises:
            DataError: A file is missing or cannot be read.
        """
        digest = sql.hash_expression(self._physical(schema.columns, paths[0]))
        rows = self._client.rows_of_files(
            f"SELECT _path, count(), sum({digest} AS h), count(h) FROM {self._from(paths)} GROUP BY _path"
        )
        found = {path: Fingerprint(int(count), int(total)) for path, count, total, hashed in rows if hashed == count}
        by_tail = {path.lstrip("/"): fingerprint for path, fingerprint in found.items()}
        answer = {path: by_tail.get(_tail(path)) for path in paths}
        if lost := [path for path, fingerprint in answer.items() if fingerprint is None]:
            raise DataError(
                "every written file to be readable", f"{len(lost)} that are not, such as {lost[0]}", "retry"
            )
        return {path: fingerprint for path, fingerprint in answer.items() if fingerprint is not None}

    def late(self, hot: HotTable, asked: LateRowsQuery, cold_files: Callable[[int, int], Sequence[str]]) -> int:
        """
        Count the keys in hot that may be late and that cold lacks.

        Hours in which both tiers hold the same keys, by count and sum of hashes, cost no more than that look.
        `cold_files(low, high)` names the files whose timestamps (ticks, inclusive) may overlap.
        """
        hot = _clickhouse(hot)
        arrival = hot.schema.spec.arrival
        recent = [f"{sql.identifier(arrival)} >= {sql.timestamp(asked.since, 6)}"] if arrival and asked.since else []
        at = sql.identifier(hot.schema.spec.timestamp)
        low, high = (sql.ticks(f"{side}({at})", hot.schema.precision) for side in ("min", "max"))
        hours = f"arraySort(groupUniqArray(toUnixTimestamp(toStartOfHour({at}, 'UTC'))))"
        candidates = hot.rows.select(Chunk(asked.window), *recent)
        count, first, last, touched = self._client.rows(f"SELECT count(), {low}, {high}, {hours} {candidates}")[0]
        if not count:
            return 0
        files = cold_files(int(first), int(last))
        differing = self._differing_hours(hot, asked.window, files, touched) if files else touched
        if not differing:
            return 0
        if files and not hot.schema.spec.key:  # a multiset: copies count, so whole hours are held against each other
            hours_of = [_of_hour(asked.window, hour, hot.schema.precision) for hour in differing]
            return sum(self._differences(hot, window, files).missing for window in hours_of)
        candidates = hot.rows.select(Chunk(asked.window), *recent, _in_hours(at, differing))
        hot_key = hot.hash_expression(hot.schema.identity, _KEY_HASH)
        keys = int(self._client.rows(f"SELECT uniqExact({hot_key}) {candidates}")[0][0])
        if hot.schema.spec.key and not hot.schema.spec.timestamp_follows_key:
            files = cold_files(*(seconds * 10**hot.schema.precision for seconds in _ALL_TIME))
        if not files:
            return keys
        cold_key = self._cold_hash(hot.schema.identity, files, _KEY_HASH)
        present = self._client.rows_of_files(
            f"SELECT uniqExact({cold_key} AS k) FROM {self._from(files)} WHERE k IN (SELECT {hot_key} {candidates})"
        )
        return keys - int(present[0][0])

    def _differing_hours(
        self, hot: ClickHouseTable, window: Window, files: Sequence[str], hours: Sequence[int]
    ) -> list[int]:
        at = sql.identifier(hot.schema.spec.timestamp)
        asked = f"SELECT toUnixTimestamp(toStartOfHour({at}, 'UTC')) AS hour, count(), sum({{}}) {{}} GROUP BY hour"
        identity, within = hot.schema.identity, _in_hours(at, hours)
        hot_side = self._client.rows(
            asked.format(hot.hash_expression(identity), hot.rows.select(Chunk(window), within))
        )
        cold = f"FROM {self._from(files)} WHERE {hot.rows.within(window)} AND {within}"
        cold_side = self._client.rows_of_files(asked.format(self._cold_hash(identity, files), cold))
        return sorted(set(hours) - {hour for hour, *_ in set(hot_side) & set(cold_side)})

    def exclude_existing(self, hot: HotTable, window: Window, files: Sequence[str]) -> int:
        """
        Make `hot` mean only the rows of the window whose keys those files lack; returns how many it leaves out.

        Raises:
            DataError: A key stands in cold with another content.
        """
        if not files:
            return 0
        hot = _clickhouse(hot)
        key = hot.hash_expression(hot.schema.identity, _KEY_HASH)
        cold_key = self._cold_hash(hot.schema.identity, files, _KEY_HASH)
        content = [column for column in hot.schema.columns if column.name not in hot.rows.how_it_came]
        again = f"{key} IN (SELECT {cold_key} FROM {self._from(files)})"
        count = int(self._client.rows_of_files(f"SELECT count() {hot.rows.select(Chunk(window), again)}")[0][0])
        if not count:
            return 0
        cold_pair = f"SELECT {cold_key}, {self._cold_hash(content, files)} FROM {self._from(files)}"
        same = f"({key}, {hot.hash_expression(content)}) IN ({cold_pair})"
        shown = ", ".join(f"toString({sql.identifier(name)})" for name in hot.schema.spec.key)
        other = self._client.rows_of_files(
            f"SELECT {shown} {hot.rows.select(Chunk(window), again, f'NOT {same}')} LIMIT 3"
        )
        if other:
            raise conflicting_duplicates(hot.schema, other)
        hot.rows.leave_out(f"NOT {again}")
        return count

    def newest(self, schema: TableSchema, paths: Sequence[str]) -> int:
        """The largest timestamp in those files, in ticks of the source column, rounded up where it was cut."""
        at = sql.ticks(f"max({sql.identifier(schema.spec.timestamp)})", MICROSECONDS)
        micros = int(self._client.rows_of_files(f"SELECT {at} FROM {self._from(paths)}")[0][0])
        finer: int = 10 ** max(0, schema.precision - MICROSECONDS)
        coarser: int = 10 ** max(0, MICROSECONDS - schema.precision)
        return (micros // coarser + 1) * finer - 1 if finer > 1 else micros // coarser

    def compare(self, hot: HotTable, window: Window, files: Sequence[str]) -> Difference:
        """Hold hot against cold over a window: first by day and digest, then by key where a day differs."""
        hot = _clickhouse(hot)
        days = self._days(hot, window, files)
        total = Difference(0, 0, 0, 0, 0)
        for day, (hot_side, cold_side) in sorted(days.items()):
            if hot_side == cold_side:
                found = Difference(hot_side.rows, cold_side.rows, 0, 0, 0)
            else:
                found = self._differences(hot, _of_day(window, day, hot.schema.precision), files)
            total = Difference(*(getattr(total, f) + getattr(found, f) for f in Difference.__dataclass_fields__))
        return total

    def _days(
        self, hot: ClickHouseTable, window: Window, files: Sequence[str]
    ) -> dict[int, tuple[Fingerprint, Fingerprint]]:
        content = hot.schema.content
        at = sql.identifier(hot.schema.spec.timestamp)
        day = f"intDiv({sql.ticks(f'toDateTime64({at}, 6)', 6)}, {DAY * 10**6})"
        asked = f"SELECT {day} AS d, count(), sum({{}}) {{}} GROUP BY d"
        sides = [self._client.rows(asked.format(hot.hash_expression(content), hot.rows.select(Chunk(window))))]
        if files:
            where = f"FROM {self._from(files)} WHERE {hot.rows.within(window)}"
            sides.append(self._client.rows_of_files(asked.format(self._cold_hash(content, files), where)))
        nothing = Fingerprint(0, 0)
        told = [{int(d): Fingerprint(int(rows), int(digest)) for d, rows, digest in side} for side in [*sides, []][:2]]
        return {d: (told[0].get(d, nothing), told[1].get(d, nothing)) for d in {*told[0], *told[1]}}

    def _differences(self, hot: ClickHouseTable, window: Window, files: Sequence[str]) -> Difference:
        schema = hot.schema
        key, content = hot.hash_expression(schema.identity, _KEY_HASH), hot.hash_expression(schema.content)
        sides = [f"SELECT {key} AS k, {content} AS c, 1 AS hot {hot.rows.select(Chunk(window))}"]
        if files:
            sides.append(
                f"SELECT {self._cold_hash(schema.identity, files, _KEY_HASH)} AS k, "
                f"{self._cold_hash(schema.content, files)} AS c, 0 AS hot FROM {self._from(files)} "
                f"WHERE {hot.rows.within(window)}"
            )
        # A keyed hot row that was delivered twice is one row; without a key every row counts.
        wanted = "least(countIf(hot = 1), 1)" if schema.spec.key else "countIf(hot = 1)"
        rows = self._client.rows_of_files(
            "SELECT sum(h), sum(c), sum(greatest(h - c, 0)), sum(greatest(c - h, 0)), "
            "countIf(h > 0 AND c > 0 AND NOT agree) FROM ("
            f"SELECT toInt64({wanted}) AS h, toInt64(countIf(hot = 0)) AS c, "
            "length(arrayIntersect(groupUniqArrayIf(s.c, hot = 1), groupUniqArrayIf(s.c, hot = 0))) = 1 AS agree "
            f"FROM ({' UNION ALL '.join(sides)}) AS s GROUP BY s.k)"
        )
        return Difference(*map(int, rows[0]))

    def _cold_hash(self, columns: Sequence[Column], files: Sequence[str], function: str = "cityHash64") -> str:
        return sql.hash_expression(self._physical(columns, files[0]), function)

    def _physical(self, columns: Sequence[Column], path: str) -> list[tuple[str, TypeMapping]]:
        """Columns of a file as they stand; only a UUID, which ClickHouse shows as a type of its own, becomes bytes."""
        if not any(_has_uuid(column.mapping) for column in columns):
            return [(sql.identifier(column.name), column.mapping) for column in columns]
        types = {name: kind for name, kind, *_ in self._client.rows_of_files(f"DESCRIBE TABLE {self._from([path])}")}
        return [
            (
                sql.cast(column) if "UUID" in types.get(column.name, "") else sql.identifier(column.name),
                column.mapping,
            )
            for column in columns
        ]


def _clickhouse(hot: HotTable) -> ClickHouseTable:
    """Both sides are hashed by one engine: only a table of ClickHouse can be held against files."""
    if not isinstance(hot, ClickHouseTable):
        raise TypeError(f"a ClickHouseTable, not {type(hot).__name__}")
    return hot


def _in_hours(column: str, hours: Sequence[int]) -> str:
    """A condition on hours (Unix seconds), with a range that the primary key and the files can be pruned by."""
    first, last = sql.timestamp(hours[0], 0), sql.timestamp(hours[-1] + HOUR, 0)
    listed = ", ".join(map(str, hours))
    return (
        f"{column} >= {first} AND {column} < {last} AND toUnixTimestamp(toStartOfHour({column}, 'UTC')) IN ({listed})"
    )


def _has_uuid(mapping: TypeMapping) -> bool:
    return mapping.iceberg == "uuid" or any(map(_has_uuid, mapping.items))


def _of_day(window: Window, day: int, precision: int) -> Window:
    return clip(window, day * DAY * 10**precision, DAY * 10**precision)


def _of_hour(window: Window, start: int, precision: int) -> Window:
    return clip(window, start * 10**precision, HOUR * 10**precision)


def _tail(path: str) -> str:
    return path.partition("://")[2].lstrip("/") if "://" in path else path.lstrip("/")
