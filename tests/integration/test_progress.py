"""Progress bars on a terminal, and one document on a pipe."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import clickhouse_connect
import pytest


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A small hot table in a chDB folder of its own."""
    client = clickhouse_connect.get_client(dsn=f"chdb:///{tmp_path}/hot")
    client.command("CREATE TABLE fills (at DateTime64(6, 'UTC'), id UInt64) ENGINE = MergeTree ORDER BY at")
    client.command("INSERT INTO fills SELECT toDateTime64('2026-01-01', 6, 'UTC') + number, number FROM numbers(1000)")
    client.close()
    (tmp_path / "warehouse").mkdir()
    return {
        "OFFLOAD_CLICKHOUSE_DSN": f"chdb:///{tmp_path}/hot",
        "OFFLOAD_CATALOG_URI": f"sqlite:///{tmp_path}/catalog.db",
        "OFFLOAD_WATERMARKS_URL": f"sqlite:///{tmp_path}/watermarks.db",
        "OFFLOAD_WAREHOUSE": f"{tmp_path}/warehouse",
    }


WORDS = [
    *(sys.executable, "-m", "offload", "run", "--source-table", "fills", "--target-table", "cold.fills"),
    *("--timestamp-col", "at", "--sequence-col", "id", "--layer", "bronze"),
]


def test_a_terminal_shows_which_table_is_at_which_step(environment: dict[str, str], tmp_path: Path) -> None:
    """The bar is drawn on stderr when that is a terminal; the answer stays on stdout."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        WORDS, env=os.environ | environment, stdout=subprocess.PIPE, stderr=slave, cwd=tmp_path, text=True
    )
    os.close(slave)
    answer, _ = child.communicate(timeout=60)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:  # the other end is closed: everything has been read
        pass
    finally:
        os.close(master)

    assert child.returncode == 0, shown
    assert b"fills" in shown
    assert "1,000" in answer


def test_a_pipe_gets_one_document_and_no_progress(environment: dict[str, str], tmp_path: Path) -> None:
    """`--json` puts the document on stdout and nothing else anywhere."""
    done = subprocess.run(
        [*WORDS, "--json"], env=os.environ | environment, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    (table,) = json.loads(done.stdout)["tables"]

    assert (done.returncode, done.stderr) == (0, "")
    assert (table["rows"], table["status"]) == (1000, "published")
