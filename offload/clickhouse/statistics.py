"""Statistics of one hot table, from its raw rows."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from offload.clickhouse import sql
from offload.clickhouse.data_errors import unsupported_value, value_vanished
from offload.clickhouse.hot_table import ClickHouseRows
from offload.clickhouse.layout import mentioned
from offload.errors import AccessRefused, DataError
from offload.model.columns import Column
from offload.model.splits import BucketCount, Chunk
from offload.model.windows import DAY, MICROSECOND_DIGITS, Window
from offload.ports.source import Bound, HotStatistics, WindowStats

_PRUNABLE = {"int", "long", "string"}


@dataclass(frozen=True)
class ClickHouseStatistics(HotStatistics):
    """Counts of the raw rows of the table that `rows` selects from."""

    rows: ClickHouseRows

    @override
    def window_stats(self, window: Window) -> WindowStats:
        layout, within = self.rows.filter.layout, self.rows.filter.within(window)
        times = [time for time in (layout.ttl, *layout.column_ttls) if time]
        expired = f"countIf({' OR '.join(f'{time} <= now()' for time in times)})" if times else "0"
        zero = sql.timestamp(0, self.rows.schema.precision)
        near = f"countIf({' OR '.join(map(self._half_over, times))})" if times else "0"
        counts = f"count(), countIf({self.rows.timestamp} = {zero}), {expired}, {near}"
        found = self.rows.client.row(f"SELECT {counts} FROM {self.rows.filter.raw} WHERE {within}")
        rows, without_timestamp, possibly_expired, near_ttl = map(int, found)
        if window.low is None:
            self._refuse_hidden_rows()
        expired_after = self._expired_after(window.low)
        return WindowStats(rows, without_timestamp, possibly_expired, self._parts(), expired_after, near_ttl)

    def _half_over(self, time: str) -> str:
        """Whether half of the time from a row's timestamp to its TTL is over."""
        began = (
            f"intDiv({sql.ticks(self.rows.timestamp, self.rows.schema.precision)}, {10**self.rows.schema.precision})"
        )
        return f"2 * toInt64(toUnixTimestamp(now())) > {began} + toInt64(toUnixTimestamp(toDateTime({time})))"

    def _refuse_hidden_rows(self) -> None:
        """Refuse a table whose rows before 1970 are found by no condition: a partition by toDate has no such day."""
        before = f"{self.rows.timestamp} < {sql.timestamp(0, self.rows.schema.precision)}"
        present = int(self.rows.client.row(f"SELECT countIf({before}) FROM {self.rows.filter.raw}")[0])
        if not present:
            return
        found = int(self.rows.client.row(f"SELECT count() FROM {self.rows.filter.raw} WHERE {before}")[0])
        if found < present:
            raise DataError(
                f"every row of {self.rows.schema.spec.source} before 1970 to be found by its timestamp",
                f"{present - found} rows that ClickHouse leaves out, since its partition key has no such time",
                "delete them, or partition the table by toDate32 or not at all",
            )

    def _expired_after(self, watermark: int | None) -> bool:
        """Whether a row right after the watermark would be past its TTL now: such rows may be gone already."""
        layout = self.rows.filter.layout
        names = {column.name for column in self.rows.schema.columns} - {self.rows.schema.spec.timestamp}
        times = [time for time in (layout.ttl, *layout.column_ttls) if time and not mentioned(time, names)]
        if watermark is None or not times:
            return False
        row = f"(SELECT {sql.timestamp(watermark + 1, self.rows.schema.precision)} AS {self.rows.timestamp})"
        return bool(self.rows.client.row(f"SELECT least({', '.join([*times, *times])}) <= now() FROM {row}")[0])

    def _parts(self) -> frozenset[str]:
        """Names of the active parts, where merges may remove rows; empty where they never do, or cannot be listed."""
        if not self.rows.filter.layout.merges_rows:
            return frozenset()
        database, _, table = self.rows.schema.spec.source.rpartition(".")
        at = f"database = {sql.text(database or self.rows.client.database)} AND table = {sql.text(table)}"
        try:
            return frozenset(
                self.rows.client.row(f"SELECT groupArray(name) FROM system.parts WHERE active AND {at}")[0]
            )
        except AccessRefused:  # then a row that was merged away is counted like one that was deleted
            return frozenset()

    @override
    def count_by_bucket(self, window: Window, bucket: int, *, clustered: bool) -> list[BucketCount]:
        selected = self.rows.filter
        at = sql.bucket(self.rows.timestamp, self.rows.schema.precision, bucket)
        partition = enumerate(self.rows.schema.spec.partition) if clustered else ()
        parts = {f"tidemark_p{n}": sql.partition_of(field) for n, field in partition}
        named = clustered and selected.cluster is not None
        cluster = sql.identifier(selected.cluster or "") if named else "''"
        inner = "".join(f"{expression} AS {name}, " for name, expression in parts.items())
        texts = ", ".join(f"toString({name})" for name in parts)
        # Counted in the columns' own types, and converted to text once per group.
        rows = self.rows.client.histogram(
            f"SELECT CAST([{texts}] AS Array(String)), toString(tidemark_c), tidemark_b, tidemark_n, tidemark_w FROM "
            f"(SELECT {inner}{cluster} AS tidemark_c, {at} AS tidemark_b, count() AS tidemark_n, "
            f"{self._not_text() if clustered else 0} AS tidemark_w FROM {selected.raw} "
            f"WHERE {selected.within(window)} GROUP BY {', '.join([*parts, 'tidemark_c', 'tidemark_b'])}) ORDER BY ALL"
        )
        if any(row[4] for row in rows):
            self._refuse_columns_that_are_not_text(window)
        return [
            BucketCount(tuple(part), value if named else None, int(start), int(n)) for part, value, start, n, _ in rows
        ]

    @override
    def key_bounds(self, window: Window) -> list[Bound]:
        key = [self.rows.schema.column(name) for name in self.rows.schema.spec.key]
        columns = [column for column in key if column.mapping.iceberg in _PRUNABLE]
        if not columns:
            return []
        ends = [f"{side}({sql.cast(column)})" for column in columns for side in ("min", "max")]
        rows = self.rows.filter.select(Chunk(window))
        found = self.rows.client.row(f"SELECT {', '.join(ends)} {rows}")
        return [(column.name, found[2 * at], found[2 * at + 1]) for at, column in enumerate(columns)]

    @override
    def sequence_at(self, ticks: int) -> int | None:
        found = self.rows.client.row(
            f"SELECT count(), max({sql.identifier(self.rows.schema.spec.sequence)}) FROM {self.rows.filter.raw} "
            f"WHERE {self.rows.timestamp} = {sql.timestamp(ticks, self.rows.schema.precision)}"
        )
        count, last = found
        return int(last) if count else None

    @override
    def oldest(self) -> int | None:
        # Rows past their TTL may be gone. Without a TTL partitions may have been dropped: the first day may be a part.
        ttl = self.rows.filter.layout.ttl
        kept = f"{ttl} > now()" if ttl else "1"
        at = sql.ticks(f"minIf({self.rows.timestamp}, {kept})", self.rows.schema.precision)
        count, ticks = self.rows.client.row(f"SELECT countIf({kept}), {at} FROM {self.rows.filter.raw}")
        if not count:
            return None
        precision = self.rows.schema.precision
        # Cold has whole microseconds: the row of hot's oldest nanosecond is there under an earlier one.
        unit: int = 10 ** max(0, precision - MICROSECOND_DIGITS) if ttl else DAY * 10**precision
        return int(ticks) - int(ticks) % unit

    def _cut_as_text(self) -> list[Column]:
        """Chunks are ranges of these columns' values as text: a value that is not valid text would be in no chunk."""
        identities = (field.column for field in self.rows.schema.spec.partition if field.transform == "identity")
        used = {self.rows.filter.cluster, *identities}
        return [column for column in self.rows.schema.columns if column.name in used and sql.invalid_value(column)]

    def _not_text(self) -> str:
        invalid = [f"({sql.invalid_value(column)})" for column in self._cut_as_text()]
        return f"countIf({' OR '.join(invalid)})" if invalid else "0"

    def _refuse_columns_that_are_not_text(self, window: Window) -> None:
        chunk = Chunk(window)
        for column in self._cut_as_text():
            condition = sql.invalid_value(column) or "0"
            if count := self.rows.count_where(chunk, condition):
                raise unsupported_value(self.rows.schema, column, count, self.rows.examples(chunk, condition))
        raise value_vanished(self.rows.schema.spec)
