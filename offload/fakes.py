"""
Every port in memory, deterministic: for simulations of the protocol, ours and those of whoever writes an engine.

A row is (key, ticks); its content is its key. Each fake counts time only where it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from offload.errors import DataError, Fenced, LeaseHeld
from offload.model import (
    HASH_MODULUS,
    ColdState,
    Fingerprint,
    PartitionField,
    Piece,
    Seen,
    SourceIdentity,
    Split,
    TableSpec,
    Token,
    Window,
    WrittenFile,
)
from offload.parts import Parts
from offload.planning import Limits
from offload.ports import Bound, HotTable, Tell
from offload.questions import Catchup, Difference, Late, Outcome, Survey
from offload.schema import SourceColumn, TableShape, shape
from offload.steps import Event
from offload.windows import Cell

Row = tuple[str, int]
FAKE_SPEC = TableSpec(
    "trades",
    "trades",
    "cold.trades",
    "bronze",
    "at",
    "seq",
    key=("id",),
    timestamp_follows_key=True,
    sort=("at", "seq"),
    partition=(PartitionField("at", "day"),),
)
_COLUMNS = (SourceColumn("id", "String"), SourceColumn("at", "DateTime64(6, 'UTC')"), SourceColumn("seq", "Int64"))


def fingerprint(rows: Sequence[Row]) -> Fingerprint:
    """An order-independent digest, as the real one."""
    return Fingerprint(len(rows), sum(hash(row) for row in rows) % HASH_MODULUS)


class FakeClock:
    """A clock that stands until it is set; microseconds UTC."""

    def __init__(self, now: int = 0) -> None:
        self.time = now

    def now(self) -> int:
        """Microseconds since 1970 UTC."""
        return self.time


@dataclass
class FakeHot:
    """A hot table that may hold a row several times; it is its own source."""

    clock: FakeClock
    rows: list[Row] = field(default_factory=list)
    identity: SourceIdentity = field(default=SourceIdentity("hot", "default"))
    bytes_per_row: tuple[float, float] = (0.0, 0.0)

    @property
    def shape(self) -> TableShape:
        """The shape of every fake table."""
        return shape(FAKE_SPEC, _COLUMNS)

    def describe(self, spec: TableSpec) -> FakeHot:  # noqa: ARG002  # the port names it
        """Itself, whatever is asked for."""
        return self

    def now(self) -> int:
        """The server's clock, microseconds since 1970 UTC."""
        return self.clock.now()

    def within(self, window: Window) -> list[Row]:
        """The rows of a window, once each."""
        low = window.low
        return sorted({row for row in self.rows if (low is None or row[1] > low) and row[1] <= window.high})

    def one_batch(self, window: Window) -> None:
        """Nothing is ever set aside."""

    def survey(self, window: Window) -> Survey:
        """Count raw rows."""
        low = window.low
        return Survey(sum((low is None or at > low) and at <= window.high for _, at in self.rows), 0, 0)

    def cells(self, window: Window, bucket: int, *, clustered: bool) -> list[Cell]:
        """Count rows per bucket, in one partition."""
        starts = sorted(at - at % bucket for _, at in self.within(window))
        partition = ("1970-01-01",) if clustered else ()
        return [Cell(partition, None, start, starts.count(start)) for start in dict.fromkeys(starts)]

    def look(self, piece: Piece) -> Seen:
        """Fingerprint the rows of a piece."""
        rows = self.within(piece.window)
        return Seen(fingerprint(rows), max((at for _, at in rows), default=None))

    def read(self, piece: Piece) -> Iterator[Any]:
        """The rows of a piece, as one list."""
        yield self.within(piece.window)

    def sequence_at(self, ticks: int) -> int | None:
        """The timestamp stands for the sequence."""
        return ticks

    def key_bounds(self, window: Window) -> list[Bound]:  # noqa: ARG002
        """No bounds."""
        return []

    def oldest(self) -> int | None:
        """The oldest row's timestamp."""
        return min((at for _, at in self.rows), default=None)


@dataclass
class FakeLake:
    """A cold table whose commits are atomic, with its history; files are kept beside it, published or not."""

    files_by_path: dict[str, list[Row]] = field(default_factory=dict)
    snapshots: list[tuple[Token, tuple[str, ...]]] = field(default_factory=list)
    created: bool = False

    def rows(self, upto: int | None = None) -> list[Row]:
        """What a reader of the current snapshot sees, or of the first `upto` ones."""
        return [row for _, paths in self.snapshots[:upto] for path in paths for row in self.files_by_path[path]]

    def load(self, spec: TableSpec) -> ColdState | None:  # noqa: ARG002
        """The table as it stands."""
        if not self.created:
            return None
        token = self.snapshots[-1][0] if self.snapshots else None
        return ColdState("cold", len(self.snapshots) or None, len(self.rows()), token, "memory:", None)

    def create(self, table: TableShape) -> ColdState:
        """Create the table."""
        self.created = True
        state = self.load(table.spec)
        if state is None:
            raise DataError("a table", "none", "report it")
        return state

    def check_history(self, spec: TableSpec, state: ColdState) -> None:
        """Nobody writes by hand here."""

    def check_columns(self, table: TableShape, state: ColdState) -> None:
        """The columns are the hot ones."""

    def files(self, state: ColdState, bounds: Sequence[Bound]) -> list[str]:  # noqa: ARG002
        """All published files."""
        return [path for _, paths in self.snapshots for path in paths]

    def check_footers(self, state: ColdState, files: Sequence[WrittenFile]) -> None:
        """Files have no footers."""

    def publish(
        self, spec: TableSpec, state: ColdState, files: Sequence[WrittenFile], token: Token, told: Callable[[], None]
    ) -> ColdState:
        """One commit, fenced on the last token."""
        told()
        now = self.load(spec)
        if now is None or now.token != state.token:
            raise Fenced("the table as it was found", "another commit", "offload run")
        self.snapshots.append((token, tuple(file.path for file in files)))
        return replace(now, snapshot_id=len(self.snapshots), records=len(self.rows()), token=token)


@dataclass
class FakeEngine:
    """Writes lists of rows into a fake lake."""

    lake: FakeLake

    def write(self, hot: HotTable, splits: Sequence[Split], schema: Any, tell: Tell) -> list[WrittenFile]:  # noqa: ARG002
        """Write every split."""
        return [self._write(hot, split, tell) for split in splits]

    def _write(self, hot: HotTable, split: Split, tell: Tell) -> WrittenFile:
        tell(Event.SPLIT_STARTED, split.rows)
        seen = [hot.look(piece) for piece in split.pieces]
        rows = [row for piece in split.pieces for batch in hot.read(piece) for row in batch]
        self.lake.files_by_path[split.path] = rows
        tell(Event.FILE_WRITTEN, len(rows))
        whole = seen[0]
        for more in seen[1:]:
            whole += more
        return WrittenFile(split, split.path, len(rows), len(rows), whole)


@dataclass
class FakeVerifier:
    """Holds the lists against each other."""

    lake: FakeLake

    def stored(self, table: TableShape, paths: Sequence[str]) -> dict[str, Fingerprint]:  # noqa: ARG002
        """Fingerprint each file."""
        return {path: fingerprint(self.lake.files_by_path[path]) for path in paths}

    def late(self, hot: HotTable, asked: Late, cold_files: Callable[[int, int], Sequence[str]]) -> int:  # noqa: ARG002
        """Count hot keys of the window that cold lacks."""
        found = {row for batch in hot.read(Piece(asked.window)) for row in batch}
        return len(found - set(self.lake.rows()))

    def leave_out_cold(self, hot: HotTable, window: Window, files: Sequence[str]) -> int:  # noqa: ARG002
        """Nothing: the timestamp follows the key."""
        return 0

    def newest(self, table: TableShape, paths: Sequence[str]) -> int:  # noqa: ARG002
        """The largest timestamp in those files."""
        return max(at for path in paths for _, at in self.lake.files_by_path[path])

    def compare(self, hot: HotTable, window: Window, files: Sequence[str]) -> Difference:
        """Hold hot against cold over a window."""
        hot_rows = {row for batch in hot.read(Piece(window)) for row in batch}
        cold = [row for path in files for row in self.lake.files_by_path[path] if row[1] <= window.high]
        extra = len(cold) - len(set(cold) & hot_rows)
        return Difference(len(hot_rows), len(cold), len(hot_rows - set(cold)), extra, 0)


@dataclass
class FakeWatermarks:
    """One row per table; a claim lives until `recorded`, unless its holder is said to be `dead`."""

    row: dict[str, Any] = field(default_factory=lambda: {"epoch": 0, "owner": None, "watermark_ticks": None})
    dead: bool = False

    def read(self, table: str) -> dict[str, Any] | None:  # noqa: ARG002
        """The row."""
        return dict(self.row)

    @contextmanager
    def claim(self, table: str, run_id: str) -> Iterator[FakeLease]:
        """Take the lease, unless a living run has it."""
        if self.row["owner"] is not None and not self.dead:
            raise LeaseHeld(f"nobody at work on {table}", str(self.row["owner"]), "wait")
        self.dead = False
        self.row |= {"epoch": self.row["epoch"] + 1, "owner": run_id}
        yield FakeLease(self, self.row["epoch"])


@dataclass
class FakeLease:
    """A claimed row."""

    store: FakeWatermarks
    epoch: int

    def raise_epoch(self, above: int) -> None:
        """Make the epoch larger than one seen in the table."""
        self.check()
        self.epoch = self.store.row["epoch"] = max(self.epoch, above + 1)

    def check(self) -> None:
        """Raise unless the epoch is still ours."""
        if self.store.row["epoch"] != self.epoch:
            raise Fenced(f"epoch {self.epoch}", str(self.store.row["epoch"]), "offload run")

    def repair(self, catchup: Catchup) -> None:
        """Put the row to the table's value."""
        self.check()
        self.store.row |= {"watermark_ticks": catchup.ticks, "cold_table_uuid": catchup.table_uuid}

    def record(self, outcome: Outcome) -> None:
        """Catch up and release."""
        self.check()
        self.store.row["owner"] = None
        if outcome.catchup:
            self.repair(outcome.catchup)


@dataclass
class FakeWorld:
    """All of it, wired: `parts()` is what a run takes."""

    clock: FakeClock = field(default_factory=FakeClock)
    lake: FakeLake = field(default_factory=FakeLake)
    watermarks: FakeWatermarks = field(default_factory=FakeWatermarks)
    batch_rows: int = 5

    def __post_init__(self) -> None:
        self.hot = FakeHot(self.clock)

    def parts(self) -> Parts:
        """The ports."""
        return Parts(
            source=self.hot,
            verifier=FakeVerifier(self.lake),
            lake=self.lake,
            watermarks=self.watermarks,
            engine=FakeEngine(self.lake),
            clock=self.clock,
            limits=Limits(0.0, self.batch_rows),
        )
