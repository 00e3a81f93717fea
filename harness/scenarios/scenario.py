"""
One failure as it is played: a place with a past, tagged trades on top of live ones, and runs of the offload.

    scene.begin()                                  the past: trades, a first run, a watermark
    scene.add("nettest-", 500, 9_000_000)          tagged trades just above the watermark
    with scene.frozen("at:split_started") as run:  what is to be broken
    scene.recovers()                               the next run, and then every trade that was acknowledged
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.checkers.exit_code import ended
from harness.checkers.invariants import check_invariants
from harness.checkers.recovery import check_recovery
from harness.checkers.store import cold_watermark
from harness.checkers.trade_set import check_trade_set
from harness.child_process import ChildProcess, Completed
from harness.history import History
from harness.readers.clickhouse import read_hot
from harness.readers.iceberg import read_cold, read_history
from harness.readers.values import EPOCH, rows
from harness.scenarios.mid_read import freeze_in_mid_stream
from harness.steps import step
from harness.subjects.offload_cli import run_offload, start_offload
from harness.timeline import Milestone, Timeline
from harness.trades.bronze import KEY, TIME, TOKEN
from harness.trades.tagged import TaggedTrades
from harness.verdict import Finding, assert_all, unknown
from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.environments.servers import ServerEnvironment
    from harness.feed.live import LiveFeed
    from harness.readers.arrow import Table

AGAIN = 75
MID_STREAM = "mid stream"  # no moment that the run tells: ClickHouse is sending it rows
TIMEOUT = 120.0
MINUTES = 60.0


@dataclass
class Scenario:
    """
    A place, what flows into it, and what happened there.

    Attributes:
        environment: Where.
        live: The trades that flow in meanwhile.
        history: The moments.
        until: The end of the window that is being moved: every trade up to it is in hot.
        observed: Watermarks of the cold table, as they were seen.
        findings: Everything that the checkers said.
        lease_retries: How many runs were told to try again before one was let in.
    """

    environment: ServerEnvironment
    live: LiveFeed
    history: History = field(default_factory=History)
    until: datetime | None = None
    observed: list[int | None] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lease_retries: int = 0

    def seed(self) -> None:
        """Give the cold table a past: an hour-old batch and what has come in since, and the watermark of a run."""
        with step("a past: trades, and a run that moves them"):
            self.environment.insert(
                TaggedTrades(300, start=datetime.now(UTC) - timedelta(hours=1), tag="past-", step=1000)
            )
            self.settle(EPOCH)
            assert_all(ended(self.run(), 0))
            self.watermark()

    def watermark(self) -> int | None:
        """The cold table's watermark now; remembered, for it must never move backwards."""
        self.observed.append(cold_watermark(self.environment))
        return self.observed[-1]

    def insert_tagged(self, tag: str, count: int, first_sequence: int, *symbols: str) -> TaggedTrades:
        """Insert tagged trades just above the last watermark seen, and let the window end after them."""
        last = max((mark for mark in self.observed if mark), default=0)
        start = EPOCH + timedelta(microseconds=last + 1)
        made = TaggedTrades(count, symbols or ("BTCUSDT",), start=start, tag=tag, first_sequence=first_sequence, step=1)
        with step(f"{count} trades {tag} from {first_sequence}"):
            self.environment.insert(made)
            self.settle(start + timedelta(microseconds=count))
        return made

    def settle(self, after: datetime) -> None:
        """Let the window end behind `after`, where every live trade up to its end is in hot."""
        self.until = self.live.wait_ingested_past(after)

    def lease(self, seconds: str) -> None:
        """Let the runs from now on count a table as held for so long after its holder's last heartbeat."""
        self.environment = self.environment.with_settings(lease=seconds)

    def start(self, *, at: str) -> ChildProcess:
        """Start a run over the window that freezes itself at a moment."""
        with step(f"a run that freezes itself {at}"):
            return start_offload(self._arguments, self.environment.env, at=at, action="freeze")

    @contextmanager
    def frozen(self, at: str) -> Iterator[ChildProcess]:
        """
        Hold the block over a run that stands frozen at a moment, or in `MID_STREAM`, with a million more rows to take.

        Raises:
            TimeoutError, AssertionError: It never came there.
        """
        if at != MID_STREAM:
            with self.start(at=at) as run:
                run.wait_frozen()
                yield run
            return
        self.insert_tagged("filler-", 1_000_000, 20_000_000, "ADAUSDT", "BTCUSDT", "SOLUSDT")
        with start_offload(self._arguments, self.environment.env) as run:
            with step("the run is frozen while ClickHouse sends it rows"):
                freeze_in_mid_stream(run, self.environment.dsn)
            yield run

    def run(self, *, at: str | None = None, nth: int = 1) -> Completed:
        """Run over the window to the end, or until it kills itself at a moment."""
        with step(f"a run that kills itself {at}" if at else "a run"):
            return run_offload(self._arguments, self.environment.env, at=at, nth=nth)

    @property
    def _arguments(self) -> list[str]:
        return ["run", self.environment.table, *(["--until", self.until.isoformat()] if self.until else [])]

    def record_kill(self, run: Completed) -> None:
        """
        Record that a fault of the run itself has landed and was felt: the run is gone.

        Raises:
            AssertionError: UNKNOWN: it has not.
        """
        if not (run.fault_fired and run.killed):
            assert_all(
                unknown("fault", f"the run was to kill itself; exit code {run.returncode}: {run.stderr[-1500:]}")
            )
        self.history.record(Milestone.LANDED)
        self.history.record(Milestone.EFFECT)

    @property
    def timeline(self) -> Timeline:
        """The moments so far."""
        return Timeline.of(self.history)

    def cold_rows(self, tag: str) -> int:
        """How many rows of a tag a reader of the cold table sees now."""
        ids = read_cold(self.environment.cold, ["trade_id"]).column("trade_id").to_pylist()
        return sum(one.startswith(tag) for one in ids)

    def snapshots(self) -> Sequence[object]:
        """The cold table's history now."""
        return read_history(self.environment.cold, token=TOKEN)

    def check_recovery(self, within: float = 5 * MINUTES) -> None:
        """
        Judge the recovery: the next run moves the broken window exactly, and every live trade arrives in the end.

        Raises:
            AssertionError: A checker did not pass; `within` seconds is the target of each part.
        """
        self.next_run_succeeds()
        self.everything_arrives(within)

    def next_run_succeeds(self) -> None:
        """Record t_first_success, and t_heal where nothing but the next run has to be done."""
        if not self.history.first(Milestone.HEAL):
            self.history.record(Milestone.HEAL)
        with step("the next run succeeds"):
            self._next_run()
        self.history.record(Milestone.FIRST_SUCCESS)
        self.watermark()

    def everything_arrives(self, within: float = 5 * MINUTES) -> None:
        """
        End the live trades, move them all, and record t_caught_up; judge every trade, and the recovery as a whole.

        Cold only ever grows, so that a row which the run before lost, doubled or altered is found here as well.
        """
        with step("every live trade arrives"):
            ledger = self.live.stop()
            self.until = None
            self._next_run()
        self.history.record(Milestone.CAUGHT_UP)
        self.watermark()
        with step("the checkers judge"):
            found = [key for key in rows(read_cold(self.environment.cold, KEY), KEY) if self.live.owns(key)]
            live = check_trade_set(ledger, found)
            whole = check_invariants(self.environment, self._hot(), observed=self.observed)
            self._judge([*whole, *live, check_recovery(self.timeline, within)])

    def _next_run(self) -> None:
        """The next run that is not told to try again: a dead run's lease may have to run out first."""
        runs: list[Completed] = []

        def wait_ingested_past() -> bool:
            runs.append(self.run())
            self.lease_retries += runs[-1].returncode == AGAIN
            return runs[-1].returncode != AGAIN

        wait_until(
            wait_ingested_past, lambda: f"expected a run that need not be tried again; found {runs[-1].stderr}", TIMEOUT
        )
        self._judge([ended(runs[-1], 0)])

    def _hot(self) -> Table:
        """The hot rows that must be cold: those up to the watermark."""
        mark = EPOCH + timedelta(microseconds=cold_watermark(self.environment) or 0)
        return read_hot(self.environment.hot, final=True, where=f"{TIME} <= '{mark:%Y-%m-%d %H:%M:%S.%f}'")

    def _judge(self, findings: list[Finding]) -> None:
        self.findings += findings
        assert_all(findings)
