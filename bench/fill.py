"""Fill one hot table in a chDB folder: `python bench/fill.py FOLDER TABLE FIRST ROWS`; a process of its own."""

from __future__ import annotations

import sys
from typing import Any

import clickhouse_connect
from tables import BENCH, BRONZE, INSERT_ROWS


def fill(client: Any, name: str, first: int, rows: int) -> int:
    """Insert rows number `first` to `first + rows`; returns how many active parts the table has then."""
    table = {table.name: table for table in (BENCH, BRONZE)}[name]
    if first == 0:
        client.command(table.ddl)
    for start in range(first, first + rows, INSERT_ROWS):
        count = min(INSERT_ROWS, first + rows - start)
        client.command(f"INSERT INTO {name} {table.select} FROM (SELECT number AS n FROM numbers({start}, {count}))")
    parts = client.query(f"SELECT count() FROM system.parts WHERE active AND table = '{name}'")
    return int(parts.result_rows[0][0])


if __name__ == "__main__":
    folder, table_name, first_row, row_count = sys.argv[1:]
    connection = clickhouse_connect.get_client(dsn=f"chdb:///{folder.lstrip('/')}")
    print(fill(connection, table_name, int(first_row), int(row_count)))
    connection.close()
