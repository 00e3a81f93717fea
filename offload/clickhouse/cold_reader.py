"""Compares hot rows with published files; the engine that has the hot rows hashes both sides with one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.files import ColdRows, StoredFiles
from offload.clickhouse.hot_table import KEY_HASH, ClickHouseRows
from offload.model.columns import MICROSECONDS
from offload.model.coverage import Counts
from offload.model.fingerprint import EMPTY, Fingerprint
from offload.model.splits import Chunk
from offload.model.windows import DAY, HOUR, Window, clip
from offload.ports.verifier import NO_DIFFERENCE, ColdReader, Difference, LateAndChanged

MANY_HOURS = 24
_ALL_TIME = (-2_208_988_800, 10_413_791_999)  # the range of DateTime64, 1900 to 2299, in seconds since 1970


@dataclass(frozen=True)
class ColdHour:
    """The rows of one hour of cold, and how many are not past their TTL; the digest is of their content."""

    rows: Fingerprint
    live: int


@dataclass(frozen=True)
class ClickHouseColdReader(ColdReader):
    """
    Compares one table with published files that its engine reads: by `file()` in this process, by `s3()` from a server.

    Attributes:
        rows: All rows of the hot table.
        files: Reads the files.
    """

    rows: ClickHouseRows
    files: StoredFiles

    @override
    def counts(self, window: Window, hours_from: int | None) -> Counts:
        precision = self.rows.schema.precision
        ticks, second = sql.ticks(self.rows.timestamp, precision), 10**precision
        hour, day = (sql.bucket(self.rows.timestamp, precision, size * second) for size in (HOUR, DAY))
        start = hour if hours_from is None else f"if({ticks} >= {hours_from * second}, {hour}, {day})"
        rows = self.rows.client.rows(
            f"SELECT {start} AS tidemark_start, count(), sum({self.rows.hash_expression(self.rows.schema.counted)}) "
            f"FROM {self.rows.filter.raw} WHERE {self.rows.filter.within(window)} GROUP BY tidemark_start"
        )
        return {int(start) // second: Fingerprint(int(count), int(digest)) for start, count, digest in rows}

    @override
    def late(self, window: Window, cold_files: Callable[[int, int], Sequence[str]]) -> LateAndChanged:
        # An hour in which both tiers have the same rows, by count and sum of hashes, costs no more than these queries.
        second = 10**self.rows.schema.precision
        hours = f"arraySort(groupUniqArray({sql.hour(self.rows.timestamp, self.rows.schema.precision)}))"
        (touched,) = self.rows.client.row(f"SELECT {hours} {self.rows.filter.select(Chunk(window))}")
        if not touched and window.low is None:
            return LateAndChanged(0)
        first = touched[0] * second if window.low is None else _hour(window.low + 1, second)
        files = cold_files(first, _hour(window.high, second) + HOUR * second - 1)
        if not files and not touched:
            return LateAndChanged(0)
        begin = first - 1 if window.low is None else window.low
        cold = self._cold_hours(Window(begin, window.high), files, digests=bool(touched))
        differing = self._differing_hours(window, touched, cold) if files else touched
        return self._late_in_hours(window, files, cold_files, differing, touched, cold)

    def _late_in_hours(
        self,
        window: Window,
        files: Sequence[str],
        cold_files: Callable[[int, int], Sequence[str]],
        differing: Sequence[int],
        touched: Sequence[int],
        cold: Mapping[int, ColdHour],
    ) -> LateAndChanged:
        spec, precision = self.rows.schema.spec, self.rows.schema.precision
        size = HOUR if len(differing) <= MANY_HOURS else DAY
        starts = list(dict.fromkeys(hour // size * size for hour in differing))
        windows = [clip(window, start * 10**precision, size * 10**precision) for start in starts]
        found = [self._differences(one, files) for one in windows]
        missing, changed = sum(one.missing for one, _ in found), sum(one.different for one, _ in found)
        # Hours of which hot has no row, but for those that are in a window that was compared.
        apart = [hour for hour in cold if hour not in set(touched) and hour // size * size not in set(starts)]
        deleted = sum(deleted for _, deleted in found) + sum(cold[hour].live for hour in apart)
        if spec.key and not spec.timestamp_follows_key:  # the other tier may have the key at any other time
            second = 10**precision
            if missing:
                everywhere = cold_files(*(seconds * second for seconds in _ALL_TIME))
                missing = self._late_keys(window, self._in_hours(differing, precision), everywhere)
            if deleted:
                deleted = self._deleted_keys(window, sorted({*differing, *apart}), files)
        published = {hour: one.rows.rows for hour, one in cold.items()}
        # Without a key, a row of another content is another row.
        return LateAndChanged(missing, changed if spec.key else 0, deleted, published)

    def _live(self, cold: ColdRows) -> str:
        """The condition that the TTL of a cold row has not passed; its columns in the types that they have in hot."""
        layout = self.rows.filter.layout
        if layout.ttl is None:
            return "1"
        if not layout.ttl_columns:
            return f"{layout.ttl} > now()"
        names = ", ".join(sql.identifier(name) for name, _ in layout.ttl_columns)
        column = self.rows.schema.column
        values = ", ".join(f"[CAST({cold.value(column(name))} AS {kind})]" for name, kind in layout.ttl_columns)
        return f"arrayExists(({names}) -> {layout.ttl} > now(), {values})"

    def _deleted_keys(self, window: Window, hours: Sequence[int], files: Sequence[str]) -> int:
        """Live cold rows of these hours whose key hot has at no time."""
        cold = self.files.cold(files, self.rows.schema)
        key, cold_key = (side.hash_expression(self.rows.schema.identity, KEY_HASH) for side in (self.rows, cold))
        within = f"{self.rows.filter.within(window)} AND {self._in_hours(hours, MICROSECONDS)}"
        hot_keys = f"(SELECT {key} FROM {self.rows.filter.merged})"
        query = (
            f"SELECT count() FROM {cold.table} WHERE {within} AND {self._live(cold)} AND {cold_key} NOT IN {hot_keys}"
        )
        return int(cold.row(query)[0])

    def _late_keys(self, window: Window, condition: str, files: Sequence[str]) -> int:
        candidates = self.rows.filter.select(Chunk(window), condition)
        hot_key = self.rows.hash_expression(self.rows.schema.identity, KEY_HASH)
        keys = int(self.rows.client.row(f"SELECT uniqExact({hot_key}) {candidates}")[0])
        if not files:
            return keys
        cold = self.files.cold(files, self.rows.schema)
        cold_key = cold.hash_expression(self.rows.schema.identity, KEY_HASH)
        present = cold.row(
            f"SELECT uniqExact({cold_key} AS tidemark_k) FROM {cold.table} "
            f"WHERE tidemark_k IN (SELECT {hot_key} {candidates})"
        )
        return keys - int(present[0])

    def _cold_hours(self, window: Window, files: Sequence[str], *, digests: bool) -> dict[int, ColdHour]:
        if not files:
            return {}
        cold = self.files.cold(files, self.rows.schema)
        digest = f"sum({cold.hash_expression(self.rows.schema.content)})" if digests else "0"
        found = cold.rows(
            f"SELECT {sql.hour(self.rows.timestamp, MICROSECONDS)} AS tidemark_hour, count(), {digest}, "
            f"countIf({self._live(cold)}) FROM {cold.table} WHERE {self.rows.filter.within(window)} "
            "GROUP BY tidemark_hour"
        )
        return {
            int(hour): ColdHour(Fingerprint(int(rows), int(digest)), int(live)) for hour, rows, digest, live in found
        }

    def _differing_hours(self, window: Window, hours: Sequence[int], cold: Mapping[int, ColdHour]) -> list[int]:
        """Those of the hours of which hot has rows in which cold has others."""
        if not hours:
            return []
        precision = self.rows.schema.precision
        digest = self.rows.hash_expression(self.rows.schema.content)
        found = self.rows.client.rows(
            f"SELECT {sql.hour(self.rows.timestamp, precision)} AS tidemark_hour, count(), sum({digest}) "
            f"{self.rows.filter.select(Chunk(window), self._in_hours(hours, precision))} GROUP BY tidemark_hour"
        )
        hot = {int(hour): Fingerprint(int(rows), int(digest)) for hour, rows, digest in found}
        return [hour for hour in hours if hour not in hot or hour not in cold or hot[hour] != cold[hour].rows]

    def _in_hours(self, hours: Sequence[int], precision: int) -> str:
        """A condition on hours, with a range by which the primary key and the files can be pruned."""
        column = self.rows.timestamp
        first, last = sql.timestamp(hours[0], 0), sql.timestamp(hours[-1] + HOUR, 0)
        listed = ", ".join(map(str, hours))
        return f"{column} >= {first} AND {column} < {last} AND {sql.hour(self.rows.timestamp, precision)} IN ({listed})"

    @override
    def newest(self, paths: Sequence[str]) -> int:
        at = sql.ticks(f"max({self.rows.timestamp})", MICROSECONDS)
        cold = self.files.cold(paths, self.rows.schema)
        micros = int(cold.row(f"SELECT {at} FROM {cold.table}")[0])
        finer: int = 10 ** max(0, self.rows.schema.precision - MICROSECONDS)
        coarser: int = 10 ** max(0, MICROSECONDS - self.rows.schema.precision)
        return (micros // coarser + 1) * finer - 1 if finer > 1 else micros // coarser

    @override
    def compare(self, window: Window, files: Sequence[str]) -> Difference:
        # First by day and digest, then by key where a day differs.
        total = NO_DIFFERENCE
        for day, (hot, cold) in sorted(self._days(window, files).items()):
            if hot == cold:
                total += Difference(hot.rows, cold.rows, 0, 0, 0)
            else:
                total += self._differences(_of_day(window, day, self.rows.schema.precision), files)[0]
        return total + Difference(0, 0, 0, 0, 0, self._doubled(window, files))

    @override
    def unproven(self, window: Window, files: Sequence[str]) -> int:
        schema, rows = self.rows.schema, self.rows
        content = [column for column in schema.columns if column.name not in rows.filter.delivery]
        if not files:
            return rows.count(Chunk(window))
        cold = self.files.cold(files, schema)
        pairs = [
            f"({side.hash_expression(schema.identity, KEY_HASH)}, {side.hash_expression(content)})"
            for side in (rows, cold)
        ]
        known = f"{pairs[0]} NOT IN (SELECT {pairs[1]} FROM {cold.table})"
        return int(cold.row(f"SELECT count() {rows.filter.select(Chunk(window), known)}")[0])

    def _days(self, window: Window, files: Sequence[str]) -> dict[int, tuple[Fingerprint, Fingerprint]]:
        content = self.rows.schema.content
        at = f"toDateTime64({self.rows.timestamp}, {MICROSECONDS})"
        ticks = DAY * 10**MICROSECONDS
        day = f"intDiv({sql.bucket(at, MICROSECONDS, ticks)}, {ticks})"
        query = f"SELECT {day} AS tidemark_d, count(), sum({{}}) {{}} GROUP BY tidemark_d"
        hot_rows = self.rows.filter.select(Chunk(window))
        sides = [self.rows.client.rows(query.format(self.rows.hash_expression(content), hot_rows))]
        if files:
            cold_rows = self.files.cold(files, self.rows.schema)
            where = f"FROM {cold_rows.table} WHERE {self.rows.filter.within(window)}"
            sides.append(cold_rows.rows(query.format(cold_rows.hash_expression(content), where)))
        hot, cold = [
            {int(d): Fingerprint(int(rows), int(digest)) for d, rows, digest in side} for side in [*sides, []][:2]
        ]
        return {d: (hot.get(d, EMPTY), cold.get(d, EMPTY)) for d in {*hot, *cold}}

    def _differences(self, window: Window, files: Sequence[str]) -> tuple[Difference, int]:
        """The difference by key; and how many of its extra rows are not past their TTL."""
        schema, rows = self.rows.schema, self.rows
        key, content = rows.hash_expression(schema.identity, KEY_HASH), rows.hash_expression(schema.content)
        named = "SELECT {} AS tidemark_k, {} AS tidemark_c, {} AS tidemark_hot, {} AS tidemark_live {}"
        sides = [named.format(key, content, 1, 0, rows.filter.select(Chunk(window)))]
        cold = self.files.cold(files, schema) if files else None
        if cold:
            key, content = cold.hash_expression(schema.identity, KEY_HASH), cold.hash_expression(schema.content)
            where = f"FROM {cold.table} WHERE {rows.filter.within(window)}"
            sides.append(named.format(key, content, 0, self._live(cold), where))
        # With a key, a hot row that was delivered twice is one row; without a key every row counts.
        counted = "least(countIf(tidemark_hot = 1), 1)" if schema.spec.key else "countIf(tidemark_hot = 1)"
        (found,) = self.files.rows(
            "SELECT sum(h), sum(c), sum(greatest(h - c, 0)), sum(greatest(c - h, 0)), "
            "countIf(h > 0 AND c > 0 AND NOT agree), sumIf(greatest(c - h, 0), live) FROM ("
            f"SELECT toInt64({counted}) AS h, toInt64(countIf(tidemark_hot = 0)) AS c, "
            "length(arrayIntersect(groupUniqArrayIf(tidemark_c, tidemark_hot = 1), "
            "groupUniqArrayIf(tidemark_c, tidemark_hot = 0))) = uniqExactIf(tidemark_c, tidemark_hot = 1) AS agree, "
            "max(tidemark_live) AS live "
            f"FROM ({' UNION ALL '.join(sides)}) GROUP BY tidemark_k)"
        )
        if cold:
            cold.check_files()
        *difference, live = map(int, found)
        return Difference(*difference), live

    def _doubled(self, window: Window, files: Sequence[str]) -> int:
        if not files or not self.rows.schema.spec.key:
            return 0
        cold = self.files.cold(files, self.rows.schema)
        keys = f"uniqExact({cold.hash_expression(self.rows.schema.identity, KEY_HASH)})"
        found = cold.row(f"SELECT count() - {keys} FROM {cold.table} WHERE {self.rows.filter.within(window)}")
        return int(found[0])


def _of_day(window: Window, day: int, precision: int) -> Window:
    return clip(window, day * DAY * 10**precision, DAY * 10**precision)


def _hour(tick: int, second: int) -> int:
    """The first tick of the hour that has a tick."""
    return tick // (HOUR * second) * HOUR * second
