"""Runs on real servers: their output, and the cold snapshots before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.child_process import Completed
from harness.environments.servers import ServerEnvironment
from harness.readers.iceberg import read_history
from tests.support.command_line import error_of
from tests.support.offload import run_offload
from tests.support.wrong_settings import HUSH


def run(environment: ServerEnvironment, **wrong: str) -> Completed:
    """Run the offload with some settings changed; fail if its output or its records have a secret."""
    ended = run_offload(["run", environment.table, "--json"], environment, changed=wrong)
    servers = environment.stack
    secrets = HUSH, servers.clickhouse.password, servers.postgres.password, servers.minio.secret_key
    output = ended.stdout + ended.stderr + str(environment.runs())
    assert not [secret for secret in secrets if secret in output], output
    return ended


def refusal_of(environment: ServerEnvironment, wrong: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """The exit code and the error of a run that must fail; readers must see no change."""
    before = published(environment)
    ended = run(environment, **wrong or {})
    assert published(environment) == before
    return ended.returncode, error_of(json.loads(ended.stdout))


def published(environment: ServerEnvironment) -> tuple[Any, ...]:
    """What a reader sees, and how far it is output to reach."""
    snapshots = [record.snapshot_id for record in read_history(environment.cold, missing_ok=True)]
    return snapshots, environment.watermark_row().get("watermark_ticks")
