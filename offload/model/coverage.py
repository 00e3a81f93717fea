"""Which hot rows cold has: counts per bucket of time, kept in the Iceberg table in the same commit as its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from offload.model.fingerprint import EMPTY, Fingerprint
from offload.model.windows import DAY, HOUR, Window

HOURLY = 3 * DAY  # seconds before the watermark in which a bucket is an hour; older buckets are days

Counts = Mapping[int, Fingerprint]
"""Rows by the first second of their bucket: count, and digest of timestamp and sequence."""


@dataclass(frozen=True)
class Bucket:
    """
    The rows of one bucket.

    Attributes:
        published: The rows that were published.
        checked: Hot's raw rows (with duplicates) when their keys were last compared with cold, and what was published
            since.
        late: Rows that the comparison did not find in cold.
        changed: Published rows whose content the comparison found changed in hot.
        accepted: Missing rows that a person accepted with `adopt`; a bucket that has some is never swept, since a count
            does not tell them from rows that are late. A backfill publishes them: no more are accepted than are late.
    """

    published: Fingerprint = EMPTY
    checked: Fingerprint = EMPTY
    late: int = 0
    changed: int = 0
    accepted: int = 0

    def explains(self, raw: Fingerprint) -> bool:
        """Whether these raw rows were compared before, or are those that were published."""
        return raw == self.checked or (raw == self.published and not (self.late or self.changed))

    def __add__(self, other: Bucket) -> Bucket:
        published, checked = self.published + other.published, self.checked + other.checked
        counts = self.late + other.late, self.changed + other.changed, self.accepted + other.accepted
        return Bucket(published, checked, *counts)


@dataclass(frozen=True)
class Coverage:
    """
    Every bucket of a table up to its watermark.

    Attributes:
        hours_from: The second, at a day's begin, from which buckets are hours; before it they are days.
        buckets: By the first second of each.
    """

    hours_from: int | None = None
    buckets: Mapping[int, Bucket] = field(default_factory=dict)

    @property
    def late(self) -> int:
        """Rows below the watermark that cold lacks."""
        return sum(bucket.late for bucket in self.buckets.values())

    @property
    def changed(self) -> int:
        """Published rows that hot has changed."""
        return sum(bucket.changed for bucket in self.buckets.values())

    def late_spans(self) -> list[tuple[int, int]]:
        """The buckets to sweep, as spans from the first second to the one after; neighbours are one span."""
        spans: list[tuple[int, int]] = []
        for start in sorted(start for start, bucket in self.buckets.items() if bucket.late and not bucket.accepted):
            end = start + self.span(start)
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return spans

    @property
    def left_out(self) -> int:
        """Late rows that no sweep publishes: those of buckets with accepted rows."""
        return sum(bucket.late for bucket in self.buckets.values() if bucket.accepted)

    def accepted(self) -> Coverage:
        """The same, with every late row accepted by a person."""
        buckets = {start: replace(bucket, accepted=bucket.late) for start, bucket in self.buckets.items()}
        return replace(self, buckets=buckets)

    def unexplained(self, raw: Counts) -> list[int]:
        """The buckets whose raw rows in hot were never compared with cold."""
        return sorted(start for start, rows in raw.items() if not self._at(start).explains(rows))

    def compared(self, start: int, raw: Fingerprint, late: int, changed: int) -> Coverage:
        """After a comparison of one bucket."""
        bucket = replace(self._at(start), checked=raw, late=late, changed=changed)
        return replace(self, buckets={**self.buckets, start: bucket})

    def only(self, starts: Iterable[int]) -> Coverage:
        """Only these buckets: those of which hot has a row. Rows that return to another bucket are compared anew."""
        return replace(self, buckets={start: self.buckets[start] for start in starts if start in self.buckets})

    def published(self, counts: Iterable[Counts], watermark: int) -> Coverage:
        """After a commit of rows, counted by hour; `watermark` is in seconds since 1970 UTC."""
        buckets, boundary = dict(self.buckets), self.hours_from
        for one in counts:
            for hour, rows in one.items():
                start = self.start(hour)
                buckets[start] = buckets.get(start, Bucket()) + Bucket(rows, rows)
        first = (watermark - HOURLY) // DAY * DAY
        return Coverage(boundary, buckets)._folded(max(first, boundary if boundary is not None else first))  # noqa: SLF001

    def swept(self, counts: Iterable[Counts]) -> Coverage:
        """After a commit of late rows, counted by hour: hot had them when their buckets were compared."""
        buckets = dict(self.buckets)
        for one in counts:
            for hour, rows in one.items():
                bucket = buckets.get(start := self.start(hour), Bucket())
                late = max(0, bucket.late - rows.rows)
                accepted = min(bucket.accepted, late)
                buckets[start] = replace(bucket, published=bucket.published + rows, late=late, accepted=accepted)
        return replace(self, buckets=buckets)

    def start(self, hour: int) -> int:
        """The bucket that has an hour; before the first commit every bucket is an hour."""
        return hour if self.hours_from is None or hour >= self.hours_from else hour // DAY * DAY

    def span(self, start: int) -> int:
        """The seconds of a bucket."""
        return HOUR if self.hours_from is None or start >= self.hours_from else DAY

    def _at(self, start: int) -> Bucket:
        return self.buckets.get(start, Bucket())

    def _folded(self, hours_from: int) -> Coverage:
        folded: dict[int, Bucket] = {}
        for start, bucket in sorted(self.buckets.items()):
            to = start if start >= hours_from else start // DAY * DAY
            folded[to] = folded.get(to, Bucket()) + bucket
        return Coverage(hours_from, folded)

    def dumps(self) -> str:
        """As one line of JSON: per bucket the first hour since 1970, and the numbers that are not 0 or repeated."""
        buckets = {start // HOUR: _numbers(bucket) for start, bucket in self.buckets.items()}
        return json.dumps({"hours_from": self.hours_from, "buckets": buckets}, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> Coverage:
        """
        Read back what `dumps` wrote.

        Raises:
            ValueError: The text is no coverage.
        """
        try:
            found = json.loads(text)
            buckets = {int(hour) * HOUR: _bucket(*numbers) for hour, numbers in found["buckets"].items()}
            return cls(found["hours_from"], buckets)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a coverage: {text[:200]}") from error


def _numbers(bucket: Bucket) -> list[int]:
    published, checked = bucket.published, bucket.checked
    same = [published.rows, published.digest]
    if bucket == Bucket(published, published):
        return same
    numbers = [*same, checked.rows, checked.digest, bucket.late, bucket.changed]
    return [*numbers, bucket.accepted] if bucket.accepted else numbers


def _bucket(rows: int, digest: int, *compared: int) -> Bucket:
    published = Fingerprint(rows, digest)
    if not compared:
        return Bucket(published, published)
    checked, checked_digest, *counts = compared
    return Bucket(published, Fingerprint(checked, checked_digest), *counts)


def window_of(start: int, span: int, watermark: int, precision: int) -> Window:
    """The window of a bucket, up to the watermark (ticks)."""
    ticks = 10**precision
    return Window(start * ticks - 1, min((start + span) * ticks - 1, watermark))
