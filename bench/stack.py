"""
The benchmark beside what people use today: `make bench-stack`. Whole processes against the servers of the stack.

Every contender moves the same rows from the same servers into a target of its own, one after the other, in turn, so
that a disturbance of the machine affects all of them. Filling and checking a target are not measured.
Prints tables, writes them and a chart to reports/bench-stack.md and .png, and its part of reports/bench.json.
"""

from __future__ import annotations

import argparse
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from contenders import BASELINES, CONTENDERS
from drawing import draw
from figures import DLT, OURS, Case, Run, lines
from fill import fill
from holding import cold_holding, hot_holding
from measure import measure
from promises import promises
from report import REPORTS, merged
from showing import markdown, show
from tables import BENCH, BRONZE, BenchTable

from harness.environments.servers import ServerEnvironment, server_environment
from harness.readers.clickhouse import opened
from harness.stack.lifecycle import running_stack
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until

TABLES = {table.name: table for table in (BENCH, BRONZE)}
NEW_ROWS = 10_000
MERGED = 600.0  # seconds that ClickHouse may take to merge what was filled


@dataclass(frozen=True)
class Bench:
    """One table on the running stack, its hot rows shared by all, and a target for each run."""

    stack: Stack
    table: BenchTable
    hot: ServerEnvironment
    scratch: Path
    targets: ExitStack
    environments: dict[tuple[str, int], ServerEnvironment] = field(default_factory=dict)

    def fill(self, first: int, rows: int) -> None:
        """Insert rows and let ClickHouse finish its merges, so that no measurement runs at the same time."""
        with opened(self.hot.dsn) as client:
            fill(client, self.table.name, first, rows)
            wait_until(
                lambda: not client.query("SELECT count() FROM system.merges").result_rows[0][0],
                lambda: "expected ClickHouse to finish its merges; next: look at system.merges",
                MERGED,
            )

    def run(self, case: Case, contender: str, turn: int) -> Run:
        """Measure one process, and check what its target holds then."""
        if (contender, turn) not in self.environments:
            self.environments[contender, turn] = self.targets.enter_context(server_environment(self.stack))
        target = self.environments[contender, turn]
        start = CONTENDERS[contender](self.table, self.hot, target, self.scratch / target.name)
        done = measure(start.words, start.environment, self.scratch / "run.log")
        self.verify(target, contender)
        print(f"{case.schema} {case.words} {contender}: {done.seconds:.2f} s, {done.peak_mb:.0f} MB", flush=True)
        return Run(case, contender, done.seconds, done.peak_mb)

    def verify(self, target: ServerEnvironment, contender: str) -> None:
        """
        Compare the target with the hot table.

        Raises:
            RuntimeError: It lacks rows, has some twice, or has other times.
        """
        with opened(self.hot.dsn) as client:
            expected = hot_holding(client, self.table.name)
        found = cold_holding(target, self.table.name)
        if found != expected:
            raise RuntimeError(f"expected {expected} in the target of {contender}; found {found}")


def measured(stack: Stack, cases: Sequence[Case], contenders: Sequence[str], repeats: int) -> Iterator[Run]:
    """Run the cases of one table one after the other; the later ones add to the targets of the first."""
    table = TABLES[cases[0].schema]
    with (
        tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder,
        server_environment(stack) as hot,
        ExitStack() as targets,
    ):
        bench = Bench(stack, table, hot, Path(folder), targets)
        for case in cases:
            bench.fill(case.before, case.rows)
            for turn in range(repeats):
                for contender in contenders:
                    yield bench.run(case, contender, turn)


def reach_straight(stack: Stack) -> None:
    """Let all of them go past Docker's proxy for published ports, which takes a twentieth of two cores."""
    own = {
        service: dict(zip(("host", "port"), stack.container(service).own_address(), strict=True)) for service in Service
    }
    stack.clickhouse = replace(stack.clickhouse, **own[Service.CLICKHOUSE])
    stack.minio = replace(stack.minio, **own[Service.MINIO])
    stack.postgres = replace(stack.postgres, **own[Service.POSTGRES])


def everything(stack: Stack, asked: argparse.Namespace) -> Iterator[Run]:
    """The first number of rows for all, then new rows on top; the others without dlt; the bronze schema by ours."""
    first, *others = asked.rows
    cases = [Case(BENCH.name, first), Case(BENCH.name, NEW_ROWS, before=first)]
    yield from measured(stack, cases, asked.only, asked.repeats)
    for rows in others:
        yield from measured(
            stack, [Case(BENCH.name, rows)], [name for name in asked.only if name != DLT], asked.repeats
        )
    for rows in asked.rows if asked.bronze and OURS in asked.only else []:
        yield from measured(stack, [Case(BRONZE.name, rows)], [OURS], asked.repeats)


def arguments() -> argparse.Namespace:
    """What to measure; docs/bench.md shows the defaults."""
    parser = argparse.ArgumentParser(prog="make bench-stack ARGS=...")
    parser.add_argument("--rows", type=int, nargs="+", default=[3_800_000, 20_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", type=lambda names: names.split(","), default=list(CONTENDERS), help="ours,spark,dlt")
    parser.add_argument("--no-bronze", dest="bronze", action="store_false", help="leave out the full bronze schema")
    return parser.parse_args()


def main() -> None:
    """Measure on a stack of its own, and print the results."""
    asked = arguments()
    if set(asked.only) - {OURS} and not BASELINES.exists():
        raise SystemExit(f"expected: the baselines in {BASELINES}; found: no such folder; next: make baselines")
    with running_stack(f"bench{uuid.uuid4().hex[:8]}") as stack:
        reach_straight(stack)
        runs = list(everything(stack, asked))
        images = {str(service): image for service, image in stack.images.items()}
    found = lines(runs)
    checked = promises(found)
    show(found, checked)
    documents = [vars(promise) | {"kept": promise.kept} for promise in checked]
    merged("stack", {"images": images, "cases": [line.document() for line in found], "promises": documents})
    (REPORTS / "bench-stack.md").write_text(markdown(found, checked))
    draw(found)


if __name__ == "__main__":
    main()
