"""The demo: trades go from ClickHouse to Iceberg exactly once, also across a kill -9, without a server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from rich.console import Console

from offload.demo import cold, hot, picture
from offload.demo.stage import Killed, Stage
from offload.demo.story import Step, Story, expect
from offload.demo.trades import Generated, Recorded, Trades
from offload.errors import ConfigurationError, DataError, OffloadError, UsageError

DEFAULT_ROWS = 1_000_000
_FEWEST_ROWS = 1_000
_RUN = ("run", *hot.TABLES)

_SNIPPET = """\
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("tidemark", uri={uri!r}, warehouse={warehouse!r})
trades = catalog.load_table("cold.bronze_trades_binance")
print(trades.scan().count())
columns = ("exchange_timestamp", "side", "price", "quantity")
for trade in trades.scan("symbol = 'BTCUSDT'", selected_fields=columns, limit=3).to_arrow().to_pylist():
    print(trade)
"""


def run_demo(
    folder: Path | None = None,
    trades: Path | None = None,
    rows: int = DEFAULT_ROWS,
    reports: Path = Path("reports"),
) -> int:
    """
    Play the demo on a terminal.

    Args:
        folder: Where everything goes; must be empty or missing. None: a new folder among the temporary ones.
        trades: A folder of recorded raw messages to use instead of generated trades.
        rows: How many trades to generate at first; an eighth of that is added later.
        reports: Where demo.png goes.

    Returns:
        An exit code: 0, or that of what went wrong, which has been printed.
    """
    console = Console()
    try:
        _check(trades, rows)
        stage = Stage((folder or Path(tempfile.mkdtemp(prefix="tidemark-demo-"))).resolve())
        stage.prepare()
        _play(Story(stage, console), Recorded(trades) if trades else Generated(rows), reports)
    except OffloadError as error:
        for part, text in (("expected", error.expected), ("found", error.found), ("next", error.next_step)):
            console.print(f"{part}: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    return 0


def _check(trades: Path | None, rows: int) -> None:
    if rows < _FEWEST_ROWS:
        raise UsageError(f"--rows of {_FEWEST_ROWS} at least", str(rows), "offload demo")
    if trades is not None and not trades.is_dir():
        raise ConfigurationError("a folder in --trades", str(trades), "name one that exists")
    if missing := [name for name in ("chdb", "matplotlib") if find_spec(name) is None]:
        raise ConfigurationError("chDB and matplotlib", f"no {', '.join(missing)}", "pip install 'tidemark[demo]'")


def _play(story: Story, trades: Trades, reports: Path) -> None:
    start = monotonic()
    _fill(story, trades)
    _offload(story, "offload")
    _offload(story, "offload again")
    _add(story, trades)
    killed = _kill(story)
    _offload(story, "offload after the kill")
    _audit(story)
    _show(story, killed, reports)
    story.console.print(f"Done in {monotonic() - start:.0f} s.", highlight=False)


def _fill(story: Story, trades: Trades) -> None:
    with story.doing(f"Putting {trades.name} trades into ClickHouse"), hot.opened(story.stage.clickhouse_dsn) as client:
        start = monotonic()
        hot.create_tables(client, trades.ttl_days)
        rows = trades.first(client)
        seconds = monotonic() - start
        story.filled(hot.count(client))
    story.emit(Step(f"{trades.name} trades", rows, seconds, outcome=trades.remark()))


def _offload(story: Story, name: str) -> None:
    with story.doing(f"{name}: ClickHouse to Iceberg"):
        story.offloaded(name, story.stage.offload(*_RUN))


def _add(story: Story, trades: Trades) -> None:
    with story.doing("Adding newer trades"), hot.opened(story.stage.clickhouse_dsn) as client:
        start = monotonic()
        rows = trades.later(client)
        seconds = monotonic() - start
        story.filled(hot.count(client))
    story.emit(Step("newer trades", rows, seconds))


def _kill(story: Story) -> Killed:
    """Kill a run as it writes; a reader must see each table as it was, unless its batch was published just before."""
    with story.doing("Offloading, to be killed with -9 in mid write"):
        killed = story.stage.kill_in_mid_write(*_RUN)
        before, left = dict(story.cold), story.stage.data_files()
        repeated = story.fingerprint()
        with cold.opened(story.stage.catalog_uri, story.stage.warehouse) as reader:
            orphans = left - reader.files()
    for table, rows in story.cold.items():
        if rows not in (before[table], story.hot[table]):
            expect(f"{table} as before the kill, or with its whole batch", before[table], rows)
    expect("no trade twice", 0, repeated)
    grown = sum(story.cold.values()) - sum(before.values())
    seen = f"{grown:,} were published just before" if grown else "readers see none of it"
    outcome = f"process {killed.pid} was alive and died of signal 9; {len(orphans)} orphan file(s); {seen}"
    story.emit(Step("kill -9 in mid write", grown, killed.seconds, repeated=repeated, outcome=outcome))
    for path in sorted(orphans):
        story.console.print(f"  orphan {path.relative_to(story.stage.warehouse)}", highlight=False, soft_wrap=True)
    return killed


def _audit(story: Story) -> None:
    with story.doing("Audit: hot against cold, every row"):
        audit = story.stage.offload("audit", *hot.TABLES)
    tables = audit.document["tables"]
    expect("every table equal", [], [table for table in tables if not table["equal"]])
    expect("an audit of three tables", sorted(hot.TABLES), sorted(table["table"] for table in tables))
    expect("all trades audited", story.hot, {table["table"]: table["cold_rows"] for table in tables})
    story.emit(Step("audit", sum(story.hot.values()), audit.seconds, outcome="0 missing, 0 extra, 0 different"))


def _show(story: Story, killed: Killed, reports: Path) -> None:
    console, stage = story.console, story.stage
    with story.doing("Reading with the snippet, drawing"), cold.opened(stage.catalog_uri, stage.warehouse) as reader:
        snippet = _SNIPPET.format(uri=stage.catalog_uri, warehouse=str(stage.warehouse))
        answer = _run_snippet(snippet, story.hot["bronze_trades_binance"])
        picture.draw(reports / "demo.png", story.hot_line, reader.commits(), killed.at)
        locations = reader.locations()
    console.print(story.table())
    console.print("The Iceberg tables:", *locations.values(), sep="\n  ", highlight=False, soft_wrap=True)
    console.print("\nTo query them (paste it into .venv/bin/python):\n", highlight=False)
    console.print(snippet, markup=False, highlight=False, soft_wrap=True)
    console.print(f"It printed just now:\n\n{answer}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"The picture: {reports / 'demo.png'}", highlight=False, soft_wrap=True)


def _run_snippet(snippet: str, rows: int) -> str:
    """Prove the snippet before it is shown; returns what it printed."""
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise DataError("the snippet to run", done.stderr[-2000:], "this is a bug in Tidemark: please report it")
    expect("the snippet to count every trade", str(rows), done.stdout.splitlines()[0])
    return done.stdout
