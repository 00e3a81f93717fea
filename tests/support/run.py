"""A run as a person starts it among real servers: what it says, and what a reader sees of cold before and after."""

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
    """Run the offload with some settings changed; a secret in what it says or notes is a failure of its own."""
    ended = run_offload(["run", environment.table, "--json"], environment, changed=wrong)
    servers = environment.stack
    secrets = HUSH, servers.clickhouse.password, servers.postgres.password, servers.minio.secret_key
    said = ended.stdout + ended.stderr + str(environment.runs())
    assert not [secret for secret in secrets if secret in said], said
    return ended


def told(environment: ServerEnvironment, wrong: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """The exit code of a run that must fail, and its error in four parts; it must have changed nothing."""
    before = published(environment)
    ended = run(environment, **wrong or {})
    assert published(environment) == before
    return ended.returncode, error_of(json.loads(ended.stdout))


def published(environment: ServerEnvironment) -> tuple[Any, ...]:
    """What a reader sees, and how far it is said to reach."""
    snapshots = [record.snapshot_id for record in read_history(environment.cold, missing_ok=True)]
    return snapshots, environment.watermark_row().get("watermark_ticks")
