"""The steps of `offload demo`: ClickHouse to Iceberg exactly once, also across a kill -9, without a server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from rich.console import Console

from offload.demo import chart, cold, hot
from offload.demo.story import Story, StoryRow, expect
from offload.demo.trades import GeneratedTrades, RecordedTrades, TradeSource
from offload.demo.workspace import KilledRun, Workspace
from offload.errors import ConfigurationError, DataError, UsageError

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
) -> None:
    """
    Run the demo and print its steps.

    Args:
        folder: The folder of all its data; must be empty or missing. None: a new temporary folder.
        trades: A folder of recorded raw messages. None: the trades are generated.
        rows: Number of trades to generate first; an eighth as many are added later.
        reports: The folder of the chart, demo.png.

    Raises:
        OffloadError: A folder, a package or a number of rows is wrong, or a step failed.
    """
    _check(trades, rows)
    source = RecordedTrades(trades) if trades else GeneratedTrades(rows)
    if isinstance(source, RecordedTrades):
        source.check()
    workspace = Workspace((folder or Path(tempfile.mkdtemp(prefix="tidemark-demo-"))).absolute())
    workspace.prepare()
    _run_steps(Story(workspace, Console()), source, reports)


def _check(trades: Path | None, rows: int) -> None:
    if rows < _FEWEST_ROWS:
        raise UsageError(f"--rows of at least {_FEWEST_ROWS}", str(rows), "offload demo")
    if trades is not None and not trades.is_dir():
        raise ConfigurationError(
            "an existing folder after --trades",
            f"no folder at {trades}",
            "offload demo --trades ANOTHER_FOLDER, or offload demo",
        )
    if missing := [name for name in ("chdb", "matplotlib") if find_spec(name) is None]:
        raise ConfigurationError(
            "the packages chdb and matplotlib",
            f"not installed: {', '.join(missing)}",
            "pip install 'tidemark[demo]'",
        )


def _run_steps(story: Story, trades: TradeSource, reports: Path) -> None:
    start = monotonic()
    _insert_first(story, trades)
    _offload(story, "offload")
    _offload(story, "offload again")
    _insert_newer(story, trades)
    killed = _kill(story)
    _offload(story, "offload after the kill")
    _audit(story)
    _show(story, killed, reports)
    story.console.print(f"Done in {monotonic() - start:.0f} s.", highlight=False)


def _insert_first(story: Story, trades: TradeSource) -> None:
    with (
        story.status(f"Inserting {trades.name} trades into ClickHouse"),
        hot.opened(story.workspace.clickhouse_dsn) as client,
    ):
        start = monotonic()
        hot.create_tables(client, trades.ttl_days)
        rows = trades.first(client)
        seconds = monotonic() - start
        story.record_hot(hot.count(client))
    story.emit(StoryRow(f"insert {trades.name} trades", rows, seconds, outcome=trades.remark()))


def _offload(story: Story, name: str) -> None:
    with story.status(f"{name}: from ClickHouse to Iceberg"):
        story.record_offload(name, story.workspace.offload(*_RUN))


def _insert_newer(story: Story, trades: TradeSource) -> None:
    with story.status("Inserting newer trades into ClickHouse"), hot.opened(story.workspace.clickhouse_dsn) as client:
        start = monotonic()
        rows = trades.later(client)
        seconds = monotonic() - start
        story.record_hot(hot.count(client))
    story.emit(StoryRow("insert newer trades", rows, seconds))


def _kill(story: Story) -> KilledRun:
    """
    Kill a run during its write, then read each cold table.

    A table must have its rows from before the run; it has its whole batch if that was published just before the kill.
    """
    with story.status("Starting a run and killing it with signal 9 during its write"):
        killed = story.workspace.kill_during_write(*_RUN)
        before, on_disk = dict(story.cold), story.workspace.data_files()
        duplicates = story.read_cold()
        with cold.opened(story.workspace.catalog_uri, story.workspace.warehouse) as tables:
            orphans = on_disk - tables.files()
    for table, rows in story.cold.items():
        if rows not in (before[table], story.hot[table]):
            expect(f"{table} as before the kill, or with its whole batch", before[table], rows)
    expect("no duplicate trade in Iceberg", 0, duplicates)
    published = sum(story.cold.values()) - sum(before.values())
    visible = f"readers see {published:,} trades, published before the kill" if published else "readers see none of it"
    outcome = f"Signal 9 killed process {killed.pid}. It left orphan files ({len(orphans)}); {visible}"
    story.emit(StoryRow("kill -9 during a write", published, killed.seconds, duplicates=duplicates, outcome=outcome))
    for path in sorted(orphans):
        line = f"  orphan file {path.relative_to(story.workspace.warehouse)}"
        story.console.print(line, highlight=False, soft_wrap=True)
    return killed


def _audit(story: Story) -> None:
    with story.status("audit: comparing every row of ClickHouse and Iceberg"):
        audit = story.workspace.offload("audit", *hot.TABLES)
    tables = audit.document["tables"]
    expect("no table that differs", [], [table for table in tables if not table["equal"]])
    expect("an audit of three tables", sorted(hot.TABLES), sorted(table["table"] for table in tables))
    expect("an audit of every trade", story.hot, {table["table"]: table["cold_rows"] for table in tables})
    outcome = "Every row was compared: 0 missing, 0 extra, 0 different"
    story.emit(StoryRow("audit", sum(story.hot.values()), audit.seconds, outcome=outcome))


def _show(story: Story, killed: KilledRun, reports: Path) -> None:
    console, workspace = story.console, story.workspace
    with (
        story.status("Running the query and drawing the chart"),
        cold.opened(workspace.catalog_uri, workspace.warehouse) as tables,
    ):
        snippet = _SNIPPET.format(uri=workspace.catalog_uri, warehouse=str(workspace.warehouse))
        output = _run_snippet(snippet, story.hot["bronze_trades_binance"])
        chart.draw(reports / "demo.png", story.hot_history, tables.commits(), killed.at)
        locations = tables.locations()
    console.print(story.table())
    console.print("The Iceberg tables:", *locations.values(), sep="\n  ", highlight=False, soft_wrap=True)
    console.print("\nTo query a table, paste this into .venv/bin/python:\n", highlight=False)
    console.print(snippet, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"The demo ran this query too; its output:\n\n{output}", markup=False, highlight=False, soft_wrap=True
    )
    console.print(f"The chart: {reports / 'demo.png'}", highlight=False, soft_wrap=True)


def _run_snippet(snippet: str, rows: int) -> str:
    """Run the snippet and check its row count before the demo prints it; return its output."""
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise DataError(
            "the query of the demo to succeed", done.stderr[-2000:], "this is a bug in Tidemark: please report it"
        )
    expect("the query of the demo to count every trade", str(rows), done.stdout.splitlines()[0])
    return done.stdout
