"""A run that replaces 1,000 candles of 100,000: `python bench/corrections.py FOLDER`; a process of its own."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import clickhouse_connect
from tables import FIXTURES

from offload import api
from offload.settings import Settings
from offload.tables import declarations

TABLE, CANDLES, CORRECTED = "ohlcv_1m", 100_000, 1_000
SELECT = """
    SELECT 'binance', concat('C', toString(number % 10), '/USDT'),
        toDateTime('2026-06-01 00:00:00', 'UTC') + 60 * intDiv(number, 10) AS at, at, at,
        {price}, {price}, {price}, {price}, 1, 1, number + 1, now64(6)
    FROM numbers({first}, {rows})
"""


def corrected(folder: Path) -> dict[str, Any]:
    """Seconds of the run that replaces them, and of one that finds nothing."""
    (folder / "warehouse").mkdir(parents=True)
    dsn = f"chdb:///{folder}/clickhouse"
    settings = Settings(
        clickhouse_dsn=dsn,  # type: ignore[arg-type] # as the environment gives it
        catalog_uri=f"sqlite:///{folder}/catalog.db",  # type: ignore[arg-type] # likewise
        watermarks_url=f"sqlite:///{folder}/watermarks.db",  # type: ignore[arg-type] # likewise
        warehouse=f"{folder}/warehouse",
    )
    spec = replace(declarations.load(None)[TABLE], changed="replace")
    with clickhouse_connect.get_client(dsn=dsn) as client:
        client.command((FIXTURES / f"{TABLE}.sql").read_text())

        def insert(first: int, rows: int, price: str) -> None:
            client.command(f"INSERT INTO {TABLE} {SELECT.format(price=price, first=first, rows=rows)}")

        insert(0, CANDLES, "100")
        api.run(spec=spec, settings=settings)
        insert(CANDLES // 2, CORRECTED, "number")
        began = time.monotonic()
        result = api.run(spec=spec, settings=settings)
        seconds = time.monotonic() - began
        again = time.monotonic()
        api.run(spec=spec, settings=settings)
        nothing = time.monotonic() - again
    if result.tables[0].replaced_rows != CORRECTED:
        raise RuntimeError(f"expected {CORRECTED} rows replaced; found {result}")
    return {"rows": CORRECTED, "of": CANDLES, "seconds": round(seconds, 3), "nothing_new_seconds": round(nothing, 3)}


if __name__ == "__main__":
    print(json.dumps(corrected(Path(sys.argv[1]))))
