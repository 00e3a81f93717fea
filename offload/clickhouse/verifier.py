"""Compares hot rows with stored files; the engine that has the hot rows hashes both sides with one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.files import StoredFiles
from offload.clickhouse.hot_table import KEY_HASH, ClickHouseRows
from offload.errors import DataError
from offload.model.columns import MICROSECONDS, TableSchema
from offload.model.fingerprint import EMPTY, Fingerprint
from offload.model.splits import Chunk
from offload.model.windows import DAY, HOUR, Window, clip
from offload.ports.verifier import NO_DIFFERENCE, Difference, LateRowsQuery, Verifier

_ALL_TIME = (-2_208_988_800, 10_413_791_999)  # the range of DateTime64, 1900 to 2299, in seconds since 1970


@dataclass(frozen=True)
class ClickHouseVerifier(Verifier):
    """
    Compares one table with files that its engine reads: by `file()` in this process, by `s3()` from a server.

    Attributes:
        rows: All rows of the hot table.
        files: Reads the files.
    """

    rows: ClickHouseRows
    files: StoredFiles

    @property
    def _schema(self) -> TableSchema:
        return self.rows.schema

    @property
    def _timestamp(self) -> str:
        return sql.identifier(self._schema.spec.timestamp)

    @override
    def stored(self, paths: Sequence[str]) -> dict[str, Fingerprint]:
        digest = self.files.hash_expression(self._schema.columns, paths)
        rows = self.files.rows(
            f"SELECT _path, count(), sum({digest} AS h), count(h) FROM {self.files.table(paths)} GROUP BY _path"
        )
        found = {path: Fingerprint(int(count), int(total)) for path, count, total, hashed in rows if hashed == count}
        by_tail = {path.lstrip("/"): fingerprint for path, fingerprint in found.items()}
        answer = {path: by_tail.get(_tail(path)) for path in paths}
        if lost := [path for path, fingerprint in answer.items() if fingerprint is None]:
            raise DataError(
                f"{len(paths)} written files that ClickHouse can read",
                f"{len(lost)} that it cannot read, such as {lost[0]}",
                f"check that nothing deletes files of the warehouse, then {self._schema.spec.command('run')}",
            )
        return {path: fingerprint for path, fingerprint in answer.items() if fingerprint is not None}

    @override
    def late(self, query: LateRowsQuery, cold_files: Callable[[int, int], Sequence[str]]) -> int:
        # An hour in which both tiers have the same keys, by count and sum of hashes, costs no more than these queries.
        arrival, precision = self._schema.spec.arrival, self._schema.precision
        recent = [f"{sql.identifier(arrival)} >= {sql.timestamp(query.since, 6)}"] if arrival and query.since else []
        low, high = (sql.ticks(f"{side}({self._timestamp})", precision) for side in ("min", "max"))
        hours = f"arraySort(groupUniqArray(toUnixTimestamp(toStartOfHour({self._timestamp}, 'UTC'))))"
        candidates = self.rows.filter.select(Chunk(query.window), *recent)
        found = self.rows.client.row(f"SELECT count(), {low}, {high}, {hours} {candidates}")
        count, first, last, touched = found
        if not count:
            return 0
        files = cold_files(int(first), int(last))
        differing = self._differing_hours(query.window, files, touched) if files else touched
        if not differing:
            return 0
        if files and not self._schema.spec.key:  # without a key equal rows count, so whole hours are compared
            windows = [_of_hour(query.window, hour, precision) for hour in differing]
            return sum(self._differences(window, files).missing for window in windows)
        return self._late_keys(query.window, [*recent, _in_hours(self._timestamp, differing)], files, cold_files)

    def _late_keys(
        self,
        window: Window,
        conditions: Sequence[str],
        files: Sequence[str],
        cold_files: Callable[[int, int], Sequence[str]],
    ) -> int:
        candidates = self.rows.filter.select(Chunk(window), *conditions)
        hot_key = self.rows.hash_expression(self._schema.identity, KEY_HASH)
        keys = int(self.rows.client.row(f"SELECT uniqExact({hot_key}) {candidates}")[0])
        if self._schema.spec.key and not self._schema.spec.timestamp_follows_key:
            files = cold_files(*(seconds * 10**self._schema.precision for seconds in _ALL_TIME))
        if not files:
            return keys
        cold_key = self.files.hash_expression(self._schema.identity, files, KEY_HASH)
        present = self.files.row(
            f"SELECT uniqExact({cold_key} AS k) FROM {self.files.table(files)} "
            f"WHERE k IN (SELECT {hot_key} {candidates})"
        )
        return keys - int(present[0])

    def _differing_hours(self, window: Window, files: Sequence[str], hours: Sequence[int]) -> list[int]:
        hour = f"toUnixTimestamp(toStartOfHour({self._timestamp}, 'UTC'))"
        query = f"SELECT {hour} AS hour, count(), sum({{}}) {{}} GROUP BY hour"
        identity, within = self._schema.identity, _in_hours(self._timestamp, hours)
        hot = self.rows.filter.select(Chunk(window), within)
        hot_side = self.rows.client.rows(query.format(self.rows.hash_expression(identity), hot))
        cold = f"FROM {self.files.table(files)} WHERE {self.rows.filter.within(window)} AND {within}"
        cold_side = self.files.rows(query.format(self.files.hash_expression(identity, files), cold))
        return sorted(set(hours) - {hour for hour, *_ in set(hot_side) & set(cold_side)})

    @override
    def newest(self, paths: Sequence[str]) -> int:
        at = sql.ticks(f"max({self._timestamp})", MICROSECONDS)
        micros = int(self.files.row(f"SELECT {at} FROM {self.files.table(paths)}")[0])
        finer: int = 10 ** max(0, self._schema.precision - MICROSECONDS)
        coarser: int = 10 ** max(0, MICROSECONDS - self._schema.precision)
        return (micros // coarser + 1) * finer - 1 if finer > 1 else micros // coarser

    @override
    def compare(self, window: Window, files: Sequence[str]) -> Difference:
        # First by day and digest, then by key where a day differs.
        total = NO_DIFFERENCE
        for day, (hot, cold) in sorted(self._days(window, files).items()):
            if hot == cold:
                total += Difference(hot.rows, cold.rows, 0, 0, 0)
            else:
                total += self._differences(_of_day(window, day, self._schema.precision), files)
        return total

    def _days(self, window: Window, files: Sequence[str]) -> dict[int, tuple[Fingerprint, Fingerprint]]:
        content = self._schema.content
        day = f"intDiv({sql.ticks(f'toDateTime64({self._timestamp}, 6)', 6)}, {DAY * 10**6})"
        query = f"SELECT {day} AS d, count(), sum({{}}) {{}} GROUP BY d"
        hot_rows = self.rows.filter.select(Chunk(window))
        sides = [self.rows.client.rows(query.format(self.rows.hash_expression(content), hot_rows))]
        if files:
            where = f"FROM {self.files.table(files)} WHERE {self.rows.filter.within(window)}"
            sides.append(self.files.rows(query.format(self.files.hash_expression(content, files), where)))
        hot, cold = [
            {int(d): Fingerprint(int(rows), int(digest)) for d, rows, digest in side} for side in [*sides, []][:2]
        ]
        return {d: (hot.get(d, EMPTY), cold.get(d, EMPTY)) for d in {*hot, *cold}}

    def _differences(self, window: Window, files: Sequence[str]) -> Difference:
        schema, rows = self._schema, self.rows
        key, content = rows.hash_expression(schema.identity, KEY_HASH), rows.hash_expression(schema.content)
        sides = [f"SELECT {key} AS k, {content} AS c, 1 AS hot {rows.filter.select(Chunk(window))}"]
        if files:
            sides.append(
                f"SELECT {self.files.hash_expression(schema.identity, files, KEY_HASH)} AS k, "
                f"{self.files.hash_expression(schema.content, files)} AS c, 0 AS hot FROM {self.files.table(files)} "
                f"WHERE {rows.filter.within(window)}"
            )
        # With a key, a hot row that was delivered twice is one row; without a key every row counts.
        counted = "least(countIf(hot = 1), 1)" if schema.spec.key else "countIf(hot = 1)"
        found = self.files.row(
            "SELECT sum(h), sum(c), sum(greatest(h - c, 0)), sum(greatest(c - h, 0)), "
            "countIf(h > 0 AND c > 0 AND NOT agree) FROM ("
            f"SELECT toInt64({counted}) AS h, toInt64(countIf(hot = 0)) AS c, "
            "length(arrayIntersect(groupUniqArrayIf(s.c, hot = 1), groupUniqArrayIf(s.c, hot = 0))) = 1 AS agree "
            f"FROM ({' UNION ALL '.join(sides)}) AS s GROUP BY s.k)"
        )
        return Difference(*map(int, found))


def _in_hours(column: str, hours: Sequence[int]) -> str:
    """A condition on hours (Unix seconds), with a range by which the primary key and the files can be pruned."""
    first, last = sql.timestamp(hours[0], 0), sql.timestamp(hours[-1] + HOUR, 0)
    listed = ", ".join(map(str, hours))
    return (
        f"{column} >= {first} AND {column} < {last} AND toUnixTimestamp(toStartOfHour({column}, 'UTC')) IN ({listed})"
    )


def _of_day(window: Window, day: int, precision: int) -> Window:
    return clip(window, day * DAY * 10**precision, DAY * 10**precision)


def _of_hour(window: Window, start: int, precision: int) -> Window:
    return clip(window, start * 10**precision, HOUR * 10**precision)


def _tail(path: str) -> str:
    return path.partition("://")[2].lstrip("/") if "://" in path else path.lstrip("/")
