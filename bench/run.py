"""
The benchmark: `make bench`. Whole processes, embedded profile, on this machine, one after the other.

Prints a table and writes its part of reports/bench.json. Each case fills its hot table first (not measured), then runs
`python -m offload run` on it, and again after 10,000 new rows.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import Measured, measure, offload
from report import merged
from rich.console import Console
from rich.table import Table
from tables import BENCH, BRONZE, BenchTable

HERE = Path(__file__).parent
NEW_ROWS, FEW_ROWS = 10_000, 1_000
STEPS = ("claim", "recover", "plan", "write", "verify", "publish", "record")


def case(table: BenchTable, rows: int, folder: Path) -> list[dict[str, Any]]:
    """Move `rows` rows, then 10,000 more; a line of the report for each."""
    folder.mkdir()
    (folder / "warehouse").mkdir()
    environment = {
        "OFFLOAD_CLICKHOUSE_DSN": f"chdb:///{folder}/clickhouse",
        "OFFLOAD_CATALOG_URI": f"sqlite:///{folder}/catalog.db",
        "OFFLOAD_WATERMARKS_URL": f"sqlite:///{folder}/watermarks.db",
        "OFFLOAD_WAREHOUSE": f"{folder}/warehouse",
    }
    lines = []
    for first, count in ((0, rows), (rows, NEW_ROWS)):
        words = [sys.executable, str(HERE / "fill.py"), f"{folder}/clickhouse", table.name, str(first), str(count)]
        parts = int(measure(words, {}, folder / "fill.log").answer["output"])
        done = offload(("run", *table.words, "--json"), environment, folder / "run.log")
        lines.append(_line(table, count, parts, done))
    return lines


def _line(table: BenchTable, rows: int, parts: int, done: Measured) -> dict[str, Any]:
    (result,) = done.answer["tables"]
    if result["rows"] != rows:
        raise RuntimeError(f"expected {rows} rows published; found {result}")
    return {
        "schema": table.name,
        "rows": rows,
        "seconds": round(done.seconds, 2),
        "rows_per_second": round(rows / done.seconds),
        "peak_mb": round(done.peak_mb),
        "parts": parts,
        "files": result["files"],
        "bytes_per_row": round(result["bytes"] / rows, 1),
        "steps": result["steps"],
    }


def imports(folder: Path) -> dict[str, float]:
    """Median seconds of a process that only imports, beside one that does nothing."""
    programs = {
        "python": "pass",
        "import offload": "import offload",
        "import offload; offload.run": "import offload; offload.run",
    }
    times = {
        name: sorted(measure([sys.executable, "-c", text], {}, folder / "import.log").seconds for _ in range(7))[3]
        for name, text in programs.items()
    }
    return {name: round(seconds, 3) for name, seconds in times.items()}


def quarter_hours(folder: Path, runs: int) -> dict[str, Any]:
    """The last of many runs beside the first ones, in one process: few rows each, so that only the history grows."""
    words = [sys.executable, str(HERE / "quarter_hours.py"), str(folder / "quarter-hours"), str(runs), str(FEW_ROWS)]
    return measure(words, {}, folder / "runs.log").answer


def corrections(folder: Path) -> dict[str, Any]:
    """A run that replaces 1,000 candles of 100,000, in one process with the one before it."""
    words = [sys.executable, str(HERE / "corrections.py"), str(folder / "corrections")]
    return measure(words, {}, folder / "corrections.log").answer


def show(lines: list[dict[str, Any]], imported: dict[str, float], further: dict[str, dict[str, Any]]) -> None:
    """Print what was measured."""
    table = Table("schema", "rows", "s", "rows/s", "peak MB", "parts", "files", "B/row", *STEPS)
    for line in lines:
        table.add_row(
            line["schema"],
            f"{line['rows']:,}",
            str(line["seconds"]),
            f"{line['rows_per_second']:,}",
            str(line["peak_mb"]),
            *(str(line[name]) for name in ("parts", "files", "bytes_per_row")),
            *(f"{line['steps'][step]:.2f}" for step in STEPS),
        )
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
    console.print("  ".join(f"{name}: {seconds * 1000:.0f} ms" for name, seconds in imported.items()))
    for case, figures in further.items():
        shown = "  ".join(f"{name.replace('_', ' ')}: {value}" for name, value in figures.items())
        console.print(f"{case.replace('_', ' ')}: {shown}")


def main() -> None:
    """Run every case, or those asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="*", default=[3_800_000, 20_000_000])
    parser.add_argument("--schema", nargs="*", default=[BENCH.name, BRONZE.name])
    parser.add_argument("--runs", type=int, default=300, help="runs of the case of many commits")
    asked = parser.parse_args()
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as scratch:
        imported = imports(Path(scratch))
        for table in (BENCH, BRONZE):
            for rows in asked.rows if table.name in asked.schema else []:
                folder = Path(scratch) / f"{table.name}-{rows}"
                lines += case(table, rows, folder)
                shutil.rmtree(folder)
        further = {
            "quarter_hours": quarter_hours(Path(scratch), asked.runs),
            "corrections": corrections(Path(scratch)),
        }
    show(lines, imported, further)
    merged("embedded", {"imports_seconds": imported, "cases": lines, **further})


if __name__ == "__main__":
    main()
