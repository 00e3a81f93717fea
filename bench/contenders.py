"""The three that are compared, each as its users start it: a command and its environment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figures import DLT, OURS, SPARK
from sqlalchemy import make_url
from tables import BenchTable

from harness.environments.servers import REGION, ServerEnvironment
from harness.subjects.offload_cli import variables

HERE = Path(__file__).parent
BASELINES = HERE.parent / ".venv-bench"
PREFIX = "warehouse"


@dataclass(frozen=True)
class Start:
    """A command and its environment."""

    words: list[str]
    environment: dict[str, str]


def ours(table: BenchTable, hot: ServerEnvironment, target: ServerEnvironment, _state: Path) -> Start:
    """The offload with its own defaults."""
    environment = target.with_settings(clickhouse_dsn=hot.dsn, buffer="5min", lease="60s")
    return Start([sys.executable, "-m", "offload", "run", *table.words, "--json"], variables(environment.addresses))


def spark(_table: BenchTable, hot: ServerEnvironment, target: ServerEnvironment, _state: Path) -> Start:
    """The Spark script."""
    jars = {"JARS": str(BASELINES / "jars")}
    return Start(_baseline("spark_jdbc.py"), _servers(hot, target) | jars)


def dlt(_table: BenchTable, hot: ServerEnvironment, target: ServerEnvironment, state: Path) -> Start:
    """The dlt pipeline; `state` is where it keeps its own between runs."""
    own = {"STATE": str(state), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    return Start(_baseline("dlt_append.py"), _servers(hot, target) | own)


CONTENDERS: dict[str, Callable[[BenchTable, ServerEnvironment, ServerEnvironment, Path], Start]] = {
    OURS: ours,
    SPARK: spark,
    DLT: dlt,
}


def _baseline(script: str) -> list[str]:
    return [str(BASELINES / "bin" / "python"), str(HERE / "baselines" / script)]


def _servers(hot: ServerEnvironment, target: ServerEnvironment) -> dict[str, str]:
    """The servers in the variables that both baselines read."""
    clickhouse, minio = hot.stack.clickhouse, hot.stack.minio
    postgres = make_url(target.catalog_uri)
    return {
        "CLICKHOUSE_HOST": clickhouse.host,
        "CLICKHOUSE_PORT": str(clickhouse.port),
        "CLICKHOUSE_USER": clickhouse.user,
        "CLICKHOUSE_PASSWORD": clickhouse.password,
        "CLICKHOUSE_DATABASE": hot.database,
        "POSTGRES_HOST": str(postgres.host),
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_USER": str(postgres.username),
        "POSTGRES_PASSWORD": str(postgres.password),
        "POSTGRES_DATABASE": str(postgres.database),
        "S3_ENDPOINT": minio.outside,
        "AWS_ACCESS_KEY_ID": minio.access_key,
        "AWS_SECRET_ACCESS_KEY": minio.secret_key,
        "AWS_REGION": REGION,
        "WAREHOUSE": f"s3://{target.bucket}/{PREFIX}",
    }
