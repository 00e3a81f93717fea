"""PLAN: the window of a run, cut into batches, and each batch into chunks and splits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from offload.errors import SourceMoving
from offload.model import splits, windows
from offload.model.cold_table import TableState
from offload.model.splits import BatchKind, Split
from offload.model.steps import Step
from offload.model.table import PartitionField
from offload.model.windows import Window
from offload.ports.lake import ColdFiles
from offload.ports.source import HotRows, HotTable, WindowStats
from offload.protocol.adapters import Adapters, Limits
from offload.protocol.session import Session

MAX_CLOCK_DIFFERENCE = 30_000_000  # microseconds; more is a warning
CHUNK_ROWS = 500_000  # what one query reads and hashes; its reader keeps a list of their keys
FILE_BYTES = 256 * 2**20
FILE_ROWS = 20_000_000
PLAN_AGAIN = 3


@dataclass(frozen=True)
class Batch:
    """
    What one commit is to publish.

    Attributes:
        window: Its window.
        stats: The raw rows of the window in hot, as PLAN found them first.
        splits: Its files, not written yet.
        rows: The rows that are to be published.
        kind: Which rows of the window they are.
    """

    window: Window
    stats: WindowStats
    splits: tuple[Split, ...]
    rows: HotRows
    kind: BatchKind = BatchKind.NEW


def choose_window(
    adapters: Adapters, hot: HotTable, state: TableState | None, bound: windows.Bound, server_now: int, own_now: int
) -> Window:
    """
    The window after the watermark, up to the bound, or an earlier end by these clocks (microseconds UTC).

    Where a row covers an interval, the window ends that much earlier: every row in it is closed.
    """
    precision, buffer = hot.schema.precision, adapters.limits.buffer
    limit = windows.ticks(bound.fixed(server_now, own_now, buffer), precision)
    high = windows.window_end(server_now, own_now, buffer, precision, limit)
    if high < limit:  # another table fixed the bound after this one had read the clocks
        high = windows.window_end(adapters.source.now(), adapters.clock.now(), buffer, precision, limit)
    return Window(state.token.watermark_ticks if state and state.token else None, high - open_ticks(hot))


def open_ticks(hot: HotTable) -> int:
    """The interval that a row covers, in ticks: a row is still open for that long after its timestamp."""
    return windows.ticks(hot.schema.spec.interval_seconds * 1_000_000, hot.schema.precision)


def check_clocks(session: Session, server_now: int, own_now: int) -> None:
    """Warn where the clock of ClickHouse or of the store differs from this machine's (microseconds UTC) by a lot."""
    if abs(server_now - own_now) > MAX_CLOCK_DIFFERENCE:
        seconds = f"{abs(server_now - own_now) / 1e6:.0f} s"
        session.trace.warn(f"ClickHouse's clock and this machine's differ by {seconds}; the window ends at the earlier")
    if abs(session.adapters.watermarks.clock_ahead) * 1e6 > MAX_CLOCK_DIFFERENCE:
        seconds = f"{abs(session.adapters.watermarks.clock_ahead):.0f} s"
        session.trace.warn(f"the watermark store's clock and this machine's differ by {seconds}")


def batches(limits: Limits, hot: HotTable, window: Window, rows: int) -> Sequence[Window]:
    """The window cut into batches within the limits; `rows` is the count of the whole window."""
    precision = hot.schema.precision
    span = None if limits.batch_time is None else max(1, int(limits.batch_time * 10**precision))
    if not rows or (rows <= limits.batch_rows and span is None):
        return [window] if rows else []

    def count(part: Window, bucket: int) -> Sequence[splits.BucketCount]:
        return hot.statistics.count_by_bucket(part, bucket, clustered=False)

    return list(splits.batches(window, precision, limits.batch_rows, count, span))


class BatchPlanner:
    """
    Plans the batches of one run, one after the other: each is planned against the table that the one before it left.

    Counts the window at once, and warns about rows without a timestamp or past their TTL.
    """

    def __init__(self, session: Session, hot: HotTable, window: Window) -> None:
        self._session = session
        self._hot = hot
        self._ahead: deque[Window] = deque()
        self._passed: int | None = None  # the end of the last batch whose rows are all in cold already
        self._only: WindowStats | None = None  # of the only batch; None: there are several, each is counted later
        if window.low is None or window.high > window.low:
            self._count(window)

    def _count(self, window: Window) -> None:
        stats, trace = self._hot.statistics.window_stats(window), self._session.trace
        trace.count(rows_without_timestamp=stats.without_timestamp, possibly_expired_rows=stats.possibly_expired)
        if stats.without_timestamp:
            trace.warn(f"{stats.without_timestamp} rows have the timestamp 1970-01-01, which means no timestamp")
        if stats.possibly_expired:
            trace.warn(f"{stats.possibly_expired} rows are past their TTL: ClickHouse may have deleted others already")
        elif stats.near_ttl:
            trace.warn(
                f"{stats.near_ttl} rows were not offloaded when half of their TTL was over; run more often than that"
            )
        if stats.expired_after:
            trace.warn(
                "rows right after the watermark are past their TTL: ClickHouse may have deleted rows, or values, "
                "that were never offloaded; run more often than the TTL"
            )
        self._ahead.extend(batches(self._session.adapters.limits, self._hot, window, stats.rows))
        if stats.rows and not self._ahead:
            raise _other_count(self._hot, stats.rows, 0)
        self._only = stats if len(self._ahead) == 1 else None

    @property
    def has_more(self) -> bool:
        """Whether a batch is left to plan."""
        return bool(self._ahead)

    def next(self, state: TableState) -> Batch | None:
        """
        Plan the next batch that has rows, for a cold table in this state; None: no batch is left.

        Raises:
            SourceMoving: The splits have fewer or more rows than the window, in every count.
        """
        while self._ahead:
            # A batch begins at the watermark, so that no batch passes over what the one before it did not publish; or
            # at the end of one that had nothing to publish.
            before = state.token.watermark_ticks if state.token else None
            low = max((ticks for ticks in (before, self._passed) if ticks is not None), default=None)
            window = Window(low, self._ahead.popleft().high)
            if batch := self._planned(window, state):
                return batch
        return None

    def passed(self, batch: Batch) -> None:
        """Every row of the batch is in cold already: the next one begins at its end."""
        self._passed = batch.window.high

    def _planned(self, window: Window, state: TableState) -> Batch | None:
        stats = self._only or self._hot.statistics.window_stats(window)
        return plan_batch(self._session, self._hot, state, window, stats)


def plan_batch(
    session: Session,
    hot: HotTable,
    state: TableState,
    window: Window,
    first: WindowStats,
    kind: BatchKind = BatchKind.NEW,
) -> Batch | None:
    """
    Plan one batch; None: its window has no rows.

    Raises:
        SourceMoving: The splits have fewer or more rows than the window, in every count.
    """
    stats, attempt = first, f"{session.run_id}-{session.lease.epoch}"
    if kind is not BatchKind.NEW:  # one run may move late and changed rows of one window
        attempt = f"{attempt}-{kind}"
    for _ in range(PLAN_AGAIN + 1):
        planned = plan_splits(hot, window, state.location, attempt)
        counted = sum(split.rows for split in planned)
        if counted == stats.rows:
            break
        stats = hot.statistics.window_stats(window)
        if counted == stats.rows:
            break
    if counted != stats.rows or (first.rows and not planned):
        raise _other_count(hot, max(first.rows, stats.rows), counted)
    if not planned:
        return None
    existing = existing_files(session.adapters.cold_files, hot, window, state, kind)
    return Batch(window, first, tuple(planned), hot.rows.for_batch(window, existing, kind), kind)


def in_batches(
    session: Session,
    hot: HotTable,
    state: TableState,
    window: Window,
    kind: BatchKind,
    publish: Callable[[TableState, Batch], TableState],
) -> TableState:
    """The table after the rows of one kind in a window, in as many commits as its raw rows make batches."""
    with session.trace.step(Step.PLAN):
        stats = hot.statistics.window_stats(window)
        parts = batches(session.adapters.limits, hot, window, stats.rows)
    for part in parts:
        with session.trace.step(Step.PLAN):
            counted = stats if len(parts) == 1 else hot.statistics.window_stats(part)
            batch = plan_batch(session, hot, state, part, counted, kind)
        state = publish(state, batch) if batch else state
    return state


def existing_files(
    cold_files: ColdFiles, hot: HotTable, window: Window, state: TableState, kind: BatchKind
) -> Sequence[str]:
    """Cold files that may have keys of the window; none for new rows, unless a key can come again at another time."""
    spec = hot.schema.spec
    if not spec.key or not state.records or (spec.timestamp_follows_key and kind is BatchKind.NEW):
        return ()
    if spec.timestamp_follows_key and window.low is not None:
        return files_within(cold_files, hot, state, window.low, window.high)
    return cold_files.live(state, hot.statistics.key_bounds(window))


def files_within(cold_files: ColdFiles, hot: HotTable, state: TableState, low: int, high: int) -> Sequence[str]:
    """Cold files that may have a row from one tick to another, inclusive."""
    first, last = (windows.to_datetime(ticks, hot.schema.precision).isoformat() for ticks in (low, high))
    return cold_files.live(state, [(hot.schema.spec.timestamp, first, last)])


def _other_count(hot: HotTable, expected: int, found: int) -> SourceMoving:
    spec = hot.schema.spec
    return SourceMoving(
        f"{expected} rows of {spec.source} in the files that PLAN cuts, as in the window",
        f"{found} rows, {PLAN_AGAIN + 1} times" if found else "none: rows are gone, or an answer was lost on the way",
        spec.command("run"),
    )


def plan_splits(hot: HotTable, window: Window, location: str, attempt: str) -> list[Split]:
    """
    Cut one batch into splits, whose files have names of this attempt's own.

    Args:
        hot: The table.
        window: The batch.
        location: The cold table's folder.
        attempt: Part of every file name; no other run or epoch uses it.
    """
    in_file = hot.stored_bytes_per_row
    file_rows = min(FILE_ROWS, int(FILE_BYTES / in_file)) if in_file else FILE_ROWS

    def count(part: Window, bucket: int) -> Sequence[splits.BucketCount]:
        return hot.statistics.count_by_bucket(part, bucket, clustered=True)

    chunks = splits.chunks(window, hot.schema.precision, CHUNK_ROWS, count)
    fields = hot.schema.spec.partition
    return [
        replace(
            split, path=f"{location}/data/{_folder(fields, split)}{attempt}-{window.high}-{split.number:05d}.parquet"
        )
        for split in splits.splits(chunks, max(1, file_rows))
    ]


def _folder(fields: tuple[PartitionField, ...], split: Split) -> str:
    return "".join(_folders(fields, split.chunks[0].partition))


def _folders(fields: tuple[PartitionField, ...], values: Sequence[str]) -> Iterator[str]:
    for field, value in zip(fields, values, strict=True):
        yield f"{_safe(field.column)}_{field.transform}={_safe(value)}/"


def _safe(value: str) -> str:
    """A value as a folder name; the folder is for people, Iceberg reads the partition from the manifest."""
    kept = (char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in value)
    return "".join(kept)[:64] or "_"
