"""
One failure scenario: an environment with earlier batches, tagged trades beside live ones, and runs of the subject.

    scenario.seed()                                       earlier batches: trades, a first run, a watermark
    scenario.insert_tagged("nettest-", 500, 9_000_000)    tagged trades just above the watermark
    with scenario.frozen("at:split_started") as run:      a run at the event where the fault is injected
    scenario.check_recovery()                             the next run, and then every acknowledged trade
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.checkers.exit_code import check_exit_code
from harness.checkers.invariants import check_invariants, cold_watermark, token_property
from harness.checkers.recovery import check_recovery
from harness.checkers.trade_set import check_trade_set
from harness.history import History
from harness.readers.clickhouse import read_hot
from harness.readers.iceberg import read_cold, read_history
from harness.readers.values import EPOCH, rows
from harness.scenarios.mid_read import freeze_in_mid_stream
from harness.steps import step
from harness.subjects.subject import EmitsEvents
from harness.timeline import Milestone, Timeline
from harness.trades.bronze import KEY, TIME
from harness.trades.tagged import TaggedTrades
from harness.verdict import Finding, assert_all, unknown
from harness.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.child_process import ChildProcess, Completed
    from harness.environments.servers import ServerEnvironment
    from harness.feed.live import LiveFeed
    from harness.readers.arrow import Table
    from harness.subjects.subject import Subject

MID_STREAM = "mid stream"  # no event of the run: ClickHouse is sending rows to it
TIMEOUT = 120.0
MINUTES = 60.0


@dataclass
class Scenario:
    """
    An environment, the trades that arrive in it, and the runs of one subject.

    Attributes:
        subject: The job under test.
        environment: Its addresses.
        live: The trades that arrive during the scenario.
        history: The milestones.
        until: The end of the window of each run: every trade up to this time is in hot. None: the subject decides.
        observed: The watermarks of the cold table that were read so far, oldest first.
        findings: The findings of all checkers so far.
        lease_retries: Number of runs that asked for the same run later.
    """

    subject: Subject
    environment: ServerEnvironment
    live: LiveFeed
    history: History = field(default_factory=History)
    until: datetime | None = None
    observed: list[int | None] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lease_retries: int = 0

    def seed(self) -> None:
        """Publish a first batch, of one hour ago and of the trades that have arrived since."""
        with step("earlier batches: trades, and a run that moves them"):
            self.environment.insert(
                TaggedTrades(300, start=datetime.now(UTC) - timedelta(hours=1), tag="past-", step=1000)
            )
            self.settle(EPOCH)
            assert_all(check_exit_code(self.run(), 0))
            self.watermark()

    def watermark(self) -> int | None:
        """Read the cold table's watermark and add it to `observed`; a later one must not be smaller."""
        self.observed.append(cold_watermark(self.subject, self.environment.cold))
        return self.observed[-1]

    def insert_tagged(self, tag: str, count: int, first_sequence: int, *symbols: str) -> TaggedTrades:
        """Insert tagged trades just above the last watermark, and move the end of the window behind them."""
        start = EPOCH + timedelta(microseconds=self._published_upto + 1)
        trades = TaggedTrades(
            count, symbols or ("BTCUSDT",), start=start, tag=tag, first_sequence=first_sequence, step=1
        )
        with step(f"{count} trades {tag} from {first_sequence}"):
            self.environment.insert(trades)
            self.settle(start + timedelta(microseconds=count))
        return trades

    def settle(self, after: datetime) -> None:
        """Move the end of the window to a time later than `after`; every live trade up to it is in hot."""
        self.until = self.live.wait_ingested_past(after)

    def lease(self, seconds: str) -> None:
        """Set how long after its last heartbeat a run keeps its table, for later runs."""
        self.environment = self.environment.with_settings(lease=seconds)

    def start(self, *, at: str) -> ChildProcess:
        """
        Start a run that freezes itself at an event.

        Raises:
            AssertionError: UNKNOWN: the subject emits no events.
        """
        with step(f"a run that freezes itself {at}"):
            return self._with_fault(at, "freeze")

    @contextmanager
    def frozen(self, at: str) -> Iterator[ChildProcess]:
        """
        Freeze a run at an event, or at `MID_STREAM` with a million more rows to move, for the length of the block.

        Raises:
            TimeoutError: The run did not come to the event.
            AssertionError: UNKNOWN: the subject emits no events, or the run ended before it could be frozen.
        """
        if at != MID_STREAM:
            with self.start(at=at) as run:
                run.wait_frozen()
                yield run
            return
        self.insert_tagged("filler-", 1_000_000, 20_000_000, "ADAUSDT", "BTCUSDT", "SOLUSDT")
        with self.subject.start(self.environment.addresses, until=self.until) as run:
            with step("the run is frozen while ClickHouse sends it rows"):
                freeze_in_mid_stream(run, self.environment.dsn)
            yield run

    def run(self, *, at: str | None = None, nth: int = 1) -> Completed:
        """Run to the end, or until the run kills itself at the `nth` event called `at`."""
        with (
            step(f"a run that kills itself {at}" if at else "a run"),
            self._with_fault(at, "kill", nth)
            if at
            else self.subject.start(self.environment.addresses, until=self.until) as run,
        ):
            return run.wait()

    def _with_fault(self, event: str, action: str, nth: int = 1) -> ChildProcess:
        subject = self.subject
        if not isinstance(subject, EmitsEvents):
            assert_all(unknown("fault", f"{type(subject).__name__} emits no events, so no run can {action} itself"))
            raise TypeError("assert_all raises on UNKNOWN")
        return subject.start_with_fault(self.environment.addresses, event, action=action, nth=nth, until=self.until)

    def record_kill(self, run: Completed) -> None:
        """
        Record that a run has killed itself: the fault is active, and its effect is that the run is gone.

        Raises:
            AssertionError: UNKNOWN: the run ended in another way.
        """
        if not (run.fault_fired and run.killed):
            assert_all(
                unknown("fault", f"expected a run that kills itself; exit code {run.returncode}: {run.stderr[-1500:]}")
            )
        self.history.record(Milestone.LANDED)
        self.history.record(Milestone.EFFECT)

    @property
    def timeline(self) -> Timeline:
        """The milestones so far."""
        return Timeline.of(self.history)

    def cold_rows(self, tag: str) -> int:
        """Number of rows with a tag in the cold table now."""
        ids = read_cold(self.environment.cold, ["trade_id"]).column("trade_id").to_pylist()
        return sum(one.startswith(tag) for one in ids)

    def snapshots(self) -> Sequence[object]:
        """The cold table's history now."""
        return read_history(self.environment.cold, token=token_property(self.subject))

    def check_recovery(self, within: float = 5 * MINUTES) -> None:
        """
        Check that the next run publishes the interrupted window exactly, and that every live trade arrives.

        Raises:
            AssertionError: A checker did not pass; `within` is the target of each part, in seconds.
        """
        self.next_run_succeeds()
        self.everything_arrives(within)

    def next_run_succeeds(self) -> None:
        """Record t_first_success, and t_heal where the next run is all that has to be done."""
        if not self.history.first(Milestone.HEAL):
            self.history.record(Milestone.HEAL)
        with step("the next run succeeds"):
            self._next_run()
        self.history.record(Milestone.FIRST_SUCCESS)
        self.watermark()

    def everything_arrives(self, within: float = 5 * MINUTES) -> None:
        """
        Stop the live trades, move them all and record t_caught_up; check every trade, and the recovery as a whole.

        Cold rows are never removed, so these checks also find a row that an earlier run lost, doubled or altered.
        """
        with step("every live trade arrives"):
            ledger = self.live.stop()
            self.until = None
            self._next_run()
        self.history.record(Milestone.CAUGHT_UP)
        self.watermark()
        with step("the checks"):
            found = [key for key in rows(read_cold(self.environment.cold, KEY), KEY) if self.live.owns(key)]
            live = check_trade_set(ledger, found)
            whole = check_invariants(self.subject, self.environment, self._hot(), observed=self.observed)
            self._assert([*whole, *live, check_recovery(self.timeline, within)])

    def _next_run(self) -> None:
        """Run until a run does not ask for the same run later: the lease of a dead run may have to expire first."""
        runs: list[Completed] = []

        def ended() -> bool:
            runs.append(self.run())
            retry = runs[-1].returncode in self.subject.retry_codes
            self.lease_retries += retry
            return not retry

        wait_until(ended, lambda: f"expected a run that asks for no retry; found {runs[-1].stderr}", TIMEOUT)
        self._assert([check_exit_code(runs[-1], 0)])

    def _hot(self) -> Table:
        """The hot rows that must be cold."""
        upto = EPOCH + timedelta(microseconds=self._published_upto)
        return read_hot(self.environment.hot, final=True, where=f"{TIME} <= '{upto:%Y-%m-%d %H:%M:%S.%f}'")

    @property
    def _published_upto(self) -> int:
        """The last watermark in microseconds since 1970 UTC, or the end of the last window; 0: neither is known."""
        window_end = (self.until - EPOCH) // timedelta(microseconds=1) if self.until else 0
        return max((mark for mark in self.observed if mark), default=window_end)

    def _assert(self, findings: list[Finding]) -> None:
        self.findings += findings
        assert_all(findings)
