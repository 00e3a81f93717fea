"""Which hot rows cold has: counts per bucket of time, kept in the Iceberg table in the same commit as its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
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
        kept: Rows of cold that hot had at that comparison, or that are past their TTL, and what was published since.
            Where a comparison finds fewer, rows were deleted in between; 0: unknown, or a person removed them.
    """

    published: Fingerprint = EMPTY
    checked: Fingerprint = EMPTY
    late: int = 0
    changed: int = 0
    accepted: int = 0
    kept: int = 0

    @classmethod
    def of(cls, published: Fingerprint) -> Bucket:
        """A bucket of which hot has exactly the rows that were published."""
        return cls(published, published, kept=published.rows)

    def explains(self, raw: Fingerprint) -> bool:
        """Whether these raw rows were compared before, or are those that were published."""
        as_published = self.kept == self.published.rows and not (self.late or self.changed)
        return raw == self.checked or (raw == self.published and as_published)

    def __add__(self, other: Bucket) -> Bucket:
        published, checked = self.published + other.published, self.checked + other.checked
        counts = self.late + other.late, self.changed + other.changed, self.accepted + other.accepted
        return Bucket(published, checked, *counts, kept=self.kept + other.kept)


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

    @property
    def unproven_from(self) -> int | None:
        """The first second of the earliest bucket with rows that are late, or changed in hot; None: there is none."""
        return min((start for start, bucket in self.buckets.items() if bucket.late or bucket.changed), default=None)

    def late_spans(self) -> list[tuple[int, int]]:
        """The buckets to sweep, as spans from the first second to the one after; neighbours are one span."""
        return self._spans(start for start, bucket in self.buckets.items() if bucket.late and not bucket.accepted)

    def changed_spans(self) -> list[tuple[int, int]]:
        """The buckets with changed rows, in the same way."""
        return self._spans(start for start, bucket in self.buckets.items() if bucket.changed)

    def emptied(self, starts: Iterable[int]) -> list[tuple[int, int]]:
        """The buckets that hot had rows of and that are not among these starts, as spans like those of `late_spans`."""
        present = set(starts)
        return self._spans(start for start, bucket in self.buckets.items() if bucket.kept and start not in present)

    def after(self, second: int | None) -> Coverage:
        """Only the buckets that begin after a second since 1970; None: all of them."""
        if second is None:
            return self
        return replace(self, buckets={start: one for start, one in self.buckets.items() if start > second})

    def expected_until(self, second: int) -> Coverage:
        """The same, with no row expected in hot in the buckets that end after a second since 1970."""
        later = {
            start: replace(one, kept=0) for start, one in self.buckets.items() if start + self.span(start) > second
        }
        return replace(self, buckets={**self.buckets, **later})

    def kept(self, first: int, end: int) -> int:
        """Rows of cold in a span that hot had, or that were past their TTL, at the last comparison."""
        return sum(bucket.kept for start, bucket in self.buckets.items() if first <= start < end)

    def expects_more_than(self, before: Coverage) -> bool:
        """Whether hot has rows of cold in a bucket that `before` did not know there: they came back, say."""
        return any(bucket.kept > before._at(start).kept for start, bucket in self.buckets.items())

    def _spans(self, starts: Iterable[int]) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for start in sorted(starts):
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

    def compared(self, start: int, raw: Fingerprint, late: int, changed: int, kept: int) -> Coverage:
        """After a comparison of one bucket."""
        bucket = replace(self._at(start), checked=raw, late=late, changed=changed, kept=kept)
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
                buckets[start] = buckets.get(start, Bucket()) + Bucket.of(rows)
        first = (watermark - HOURLY) // DAY * DAY
        return Coverage(boundary, buckets)._folded(max(first, boundary if boundary is not None else first))  # noqa: SLF001

    def swept(self, counts: Iterable[Counts]) -> Coverage:
        """After a commit of late rows, counted by hour: hot had them when their buckets were compared."""
        buckets = dict(self.buckets)
        for one in counts:
            for hour, rows in one.items():
                bucket = buckets.get(start := self.start(hour), Bucket())
                late = max(0, bucket.late - rows.rows)
                published, kept = bucket.published + rows, bucket.kept + rows.rows
                accepted = min(bucket.accepted, late)
                buckets[start] = replace(bucket, published=published, late=late, kept=kept, accepted=accepted)
        return replace(self, buckets=buckets)

    def replaced(self, before: Iterable[Counts], rewritten: Iterable[Counts], rows: Iterable[Counts]) -> Coverage:
        """
        After a commit that replaced changed rows; all counts are by hour.

        Args:
            before: The files that were removed.
            rewritten: The files that have their other rows.
            rows: The files that have the replaced rows.
        """
        buckets = dict(self.buckets)

        def add(counts: Iterable[Counts], change: Callable[[Bucket, Fingerprint], Bucket]) -> None:
            for one in counts:
                for hour, found in one.items():
                    at = self.start(hour)
                    buckets[at] = change(buckets.get(at, Bucket()), found)

        add(before, lambda bucket, gone: replace(bucket, published=bucket.published - gone))
        add(rewritten, lambda bucket, kept: replace(bucket, published=bucket.published + kept))
        add(
            rows,
            lambda bucket, new: replace(
                bucket, published=bucket.published + new, changed=max(0, bucket.changed - new.rows)
            ),
        )
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
    if bucket == Bucket.of(published):
        return same
    numbers = [*same, checked.rows, checked.digest, bucket.late, bucket.changed]
    if bucket.kept != published.rows:
        return [*numbers, bucket.accepted, bucket.kept]
    return [*numbers, bucket.accepted] if bucket.accepted else numbers


def _bucket(rows: int, digest: int, *compared: int) -> Bucket:
    published = Fingerprint(rows, digest)
    if not compared:
        return Bucket.of(published)
    checked, checked_digest, *counts = compared
    late, changed, accepted, kept = (*counts, *(0, 0, 0, rows)[len(counts) :])
    return Bucket(published, Fingerprint(checked, checked_digest), late, changed, accepted, kept)


def window_of(start: int, span: int, watermark: int, precision: int) -> Window:
    """The window of a bucket, up to the watermark (ticks)."""
    ticks = 10**precision
    return Window(start * ticks - 1, min((start + span) * ticks - 1, watermark))
