"""A table with one commit after another: `python bench/quarter_hours.py FOLDER RUNS ROWS`; a process of its own."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import clickhouse_connect
from tables import BENCH

from offload import api
from offload.settings import Settings

ENDS = 20  # runs at either end whose median counts: one alone is noise


def seconds_of_runs(folder: Path, runs: int, rows: int) -> list[float]:
    """Seconds of each of so many runs over so many new rows."""
    (folder / "warehouse").mkdir(parents=True)
    dsn = f"chdb:///{folder}/clickhouse"
    settings = Settings(
        clickhouse_dsn=dsn,  # type: ignore[arg-type] # as the environment gives it
        catalog_uri=f"sqlite:///{folder}/catalog.db",  # type: ignore[arg-type] # likewise
        watermarks_url=f"sqlite:///{folder}/watermarks.db",  # type: ignore[arg-type] # likewise
        warehouse=f"{folder}/warehouse",
    )
    names = (word.removeprefix("--").replace("-", "_") for word in BENCH.words[::2])
    flags = dict(zip(names, BENCH.words[1::2], strict=True))
    spec = api.undeclared(
        source=flags["source_table"],
        target=flags["target_table"],
        timestamp=flags["timestamp_col"],
        sequence=flags["sequence_col"],
        layer=flags["layer"],
        settings=settings,
    )
    found = []
    with clickhouse_connect.get_client(dsn=dsn) as client:
        client.command(BENCH.ddl)
        for number in range(runs):
            numbers = f"SELECT number AS n FROM numbers({number * rows}, {rows})"
            client.command(f"INSERT INTO {BENCH.name} {BENCH.select} FROM ({numbers})")
            began = time.monotonic()
            result = api.run(spec=spec, settings=settings)
            found.append(time.monotonic() - began)
            if result.tables[0].rows != rows:
                raise RuntimeError(f"expected {rows} rows published; found {result}")
    return found


def summary(seconds: list[float]) -> dict[str, Any]:
    """Medians of the first and the last runs, without the first of all, which creates the table; and their ratio."""
    ends = min(ENDS, (len(seconds) - 1) // 2)
    first, last = median(seconds[1 : 1 + ends]), median(seconds[-ends:])
    return {
        "runs": len(seconds),
        "first_seconds": round(first, 3),
        "last_seconds": round(last, 3),
        "ratio": round(last / first, 2),
    }


if __name__ == "__main__":
    where, run_count, row_count = sys.argv[1:]
    print(json.dumps(summary(seconds_of_runs(Path(where), int(run_count), int(row_count)))))
