"""A server of another version than the embedded engine publishes the same types, and reads them from the files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from harness.checkers.content import check_content
from harness.environments.servers import server_environment
from harness.readers.clickhouse import opened, read_hot
from harness.readers.iceberg import read_cold
from harness.stack.stack import Stack
from harness.verdict import assert_all
from tests.integration.embedded.test_types import FIELDS, PARSED
from tests.support.offload import run_offload

DECLARED = {"name": "types", "source": "types", "target": "cold.types", "layer": "bronze", **FIELDS}
NOT_COMPARED = {"nanos", "raw", "d"}  # cut to microseconds; no text; a server shows a Date in Arrow as a number


def test_every_type_is_published_and_audited(stack: Stack, tmp_path: Path) -> None:
    """NULLs, empty arrays and extremes included: run and audit agree, and so does a reader of both tiers."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in DECLARED.items() if value is not None]
    (tmp_path / "types.toml").write_text("\n".join(lines))
    with server_environment(stack, tables=str(tmp_path)) as environment:
        with opened(environment.dsn) as client:
            columns = ", ".join(f"{name} {kind}" for name, kind, *_ in PARSED)
            client.command(f"CREATE TABLE types ({columns}) ENGINE = MergeTree ORDER BY n")
            for row in (2, 3):
                client.command(f"INSERT INTO types VALUES ({', '.join(column[row] for column in PARSED)})")
        ended = [run_offload([command, "types", "--json"], environment) for command in ("run", "audit")]

        assert [one.returncode for one in ended] == [0, 0], ended
        types = replace(environment, table="types")
        hot = read_hot(types.hot, [name for name, *_ in PARSED if name not in NOT_COMPARED])
        assert_all(check_content(hot, read_cold(types.cold, hot.column_names), key=["n"]))
