"""Services that refuse connections or never answer: exit 69 within 30 s, and the next run is exact."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import SECRET, TRADES, Offload, error_of
from tests.support.embedded import PLAIN, Embedded
from tests.support.embedded import TRADES as COLUMNS
from tests.support.http_servers import Bucket, closed_port, silent

END_TO_END = 30.0  # seconds
AT_ONCE = 4  # more would measure the start of the processes on this machine
S3 = {
    "OFFLOAD_WAREHOUSE": "s3://bucket/warehouse",
    "OFFLOAD_S3_ACCESS_KEY": "reader",
    "OFFLOAD_S3_SECRET_KEY": SECRET,
}


@pytest.mark.parametrize("variable", ["OFFLOAD_CATALOG_URI", "OFFLOAD_WATERMARKS_URL"])
def test_a_postgres_that_is_away_is_69(stage: Embedded, offload: Offload, variable: str) -> None:
    """A closed port: an error at once, with the address and without the password."""
    spec = stage.trades(10)
    kept = stage.environment()[variable]
    port = closed_port()

    answer = offload("run", "trades", **{variable: f"postgresql://reader:{SECRET}@127.0.0.1:{port}/tidemark"})
    again = offload("run", "trades", **{variable: kept})

    assert (answer.code, answer.error["kind"]) == (69, "Unavailable"), answer
    assert f"127.0.0.1:{port}" in answer.error["expected"]
    assert (again.code, stage.cold_ids(spec)) == (0, list(range(10)))


def test_a_clickhouse_that_is_away_is_69(offload: Offload) -> None:
    """A closed port."""
    port = closed_port()

    with Bucket().served() as endpoint:
        dsn = f"clickhouse://reader:{SECRET}@127.0.0.1:{port}/market"
        answer = offload("run", "trades", **S3, OFFLOAD_CLICKHOUSE_DSN=dsn, OFFLOAD_S3_ENDPOINT=endpoint)

    assert (answer.code, answer.error["kind"]) == (69, "Unavailable"), answer
    assert f"127.0.0.1:{port}" in answer.error["expected"]


def test_an_object_store_that_is_away_is_69(stage: Embedded, offload: Offload) -> None:
    """A closed port."""
    stage.trades(10)
    port = closed_port()

    answer = offload("run", "trades", **S3, OFFLOAD_S3_ENDPOINT=f"http://127.0.0.1:{port}")

    assert (answer.code, answer.error["kind"]) == (69, "Unavailable"), answer
    assert str(port) in answer.error["expected"]


def test_an_object_store_that_goes_away_while_files_are_written_is_69(stage: Embedded, offload: Offload) -> None:
    """Nothing is published, and the next run is exact."""
    stage.trades(10)
    away = [True]

    with Bucket(drop=lambda _method, path, _agent: away[0] and ".parquet" in path).served() as endpoint:
        answer = offload("run", "trades", **S3, OFFLOAD_S3_ENDPOINT=endpoint)
        away[0] = False
        again = offload("run", "trades")

    assert (answer.code, answer.error["kind"]) == (69, "Unavailable"), answer
    assert (again.code, again.document["tables"][0]["rows"]) == (0, 10), again


FILL = f"""
import sys
import clickhouse_connect
client = clickhouse_connect.get_client(dsn=f"chdb://{{sys.argv[1]}}?database=default")
client.command(\"\"\"CREATE TABLE trades ({COLUMNS}) ENGINE = {PLAIN}\"\"\")
client.command("INSERT INTO trades (symbol, exchange_timestamp) VALUES ('BTC', '2024-08-01 00:00:00')")
client.close()
"""


@contextmanager
def hanging(folder: Path) -> Iterator[dict[str, Mapping[str, str]]]:
    """The service that hangs, and the variables with its address; each run has a hot table of its own."""
    with ExitStack() as stack:
        postgres = f"postgresql://reader:{SECRET}@127.0.0.1:{stack.enter_context(silent())}/tidemark"
        clickhouse = f"clickhouse://reader:{SECRET}@127.0.0.1:{stack.enter_context(silent())}/market"
        healthy = stack.enter_context(Bucket().served())
        silent_store = f"http://127.0.0.1:{stack.enter_context(silent())}"
        stuck = {
            "creating": Bucket(hang=lambda _method, path, _agent: ".parquet" in path),
            "writing": Bucket(hang=lambda _method, path, _agent: ".parquet" in path and "partNumber" in path),
            "completing": Bucket(hang=lambda method, path, _agent: ".parquet?uploadId" in path and method == "POST"),
            "publishing": Bucket(hang=lambda method, path, _agent: method != "GET" and ".avro" in path),
            "verifying": Bucket(hang=lambda _method, path, agent: ".parquet" in path and "ClickHouse" in agent),
            "reading back": Bucket(hang=lambda method, path, _agent: method == "GET" and ".parquet" in path),
        }
        cases: dict[str, dict[str, str]] = {
            "catalog": {"OFFLOAD_CATALOG_URI": postgres},
            "watermarks": {"OFFLOAD_WATERMARKS_URL": postgres},
            "clickhouse": {**S3, "OFFLOAD_S3_ENDPOINT": healthy, "OFFLOAD_CLICKHOUSE_DSN": clickhouse},
            "object store": {**S3, "OFFLOAD_S3_ENDPOINT": silent_store},
            **{name: {**S3, "OFFLOAD_S3_ENDPOINT": stack.enter_context(one.served())} for name, one in stuck.items()},
        }
        subprocess.run([sys.executable, "-c", FILL, str(folder / "chdb")], check=True, timeout=60)
        yield {name: _environment(folder / name.replace(" ", "-")) | case for name, case in cases.items()}


def _environment(folder: Path) -> dict[str, str]:
    (folder / "warehouse").mkdir(parents=True)
    shutil.copytree(folder.parent / "chdb", folder / "chdb", symlinks=True)
    (folder / "tables").mkdir()
    (folder / "tables" / "trades.toml").write_text(TRADES)
    return {
        "OFFLOAD_CLICKHOUSE_DSN": f"chdb://{folder}/chdb?database=default",
        "OFFLOAD_CATALOG_URI": f"sqlite:///{folder}/catalog.db",
        "OFFLOAD_WATERMARKS_URL": f"sqlite:///{folder}/watermarks.db",
        "OFFLOAD_WAREHOUSE": str(folder / "warehouse"),
        "OFFLOAD_TABLES": str(folder / "tables"),
        "OFFLOAD_BUFFER": "0",
    }


@dataclass(frozen=True)
class Ended:
    """How a run ended, and after how many seconds of its own steps: the start of an interpreter is not in them."""

    code: int
    stdout: str
    stderr: str
    seconds: float


def run_to_its_end(environment: Mapping[str, str], folder: Path) -> Ended:
    """The command as a user starts it."""
    command = [sys.executable, "-m", "offload", "run", "trades", "--json"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
    done = subprocess.run(
        command, env={**inherited, **environment}, cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    took = sum(table["seconds"] for table in json.loads(done.stdout)["tables"]) if done.stdout else math.inf
    return Ended(done.returncode, done.stdout, done.stderr, took)


@pytest.fixture
def deserted(tmp_path: Path) -> Iterator[dict[str, Ended]]:
    """One run for each service that hangs, several at once."""
    with hanging(tmp_path) as cases, ThreadPoolExecutor(AT_ONCE) as pool:
        running = {name: pool.submit(run_to_its_end, env, tmp_path) for name, env in cases.items()}
        yield {name: child.result() for name, child in running.items()}


def test_a_service_that_hangs_ends_the_run_within_thirty_seconds(deserted: dict[str, Ended]) -> None:
    """The service accepts the connection and never answers: exit 69 with its address and without a password."""
    for name, ended in deserted.items():
        error = error_of(json.loads(ended.stdout)) if ended.stdout else {}

        assert (ended.code, error.get("kind")) == (69, "Unavailable"), (name, ended)
        assert ended.seconds < END_TO_END, (name, ended)
        assert SECRET not in ended.stdout + ended.stderr, name
