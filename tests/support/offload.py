"""The offload as the subject of these tests; its child processes are forked, which saves two seconds each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.checkers import invariants
from harness.child_process import ChildProcess, Completed
from harness.environments.base import Environment
from harness.model import SnapshotRecord
from harness.readers.arrow import Table
from harness.subjects.forkserver import forkserver_launcher
from harness.subjects.offload_cli import OffloadCli, variables
from harness.verdict import Finding
from offload.settings import Settings

OFFLOAD = OffloadCli(forkserver_launcher)


def settings_of(environment: Environment) -> Settings:
    """The settings that a child process reads from its environment variables."""
    values = variables(environment.addresses)
    return Settings(**{name.removeprefix("OFFLOAD_").lower(): value for name, value in values.items()})


def run_offload(
    args: Sequence[str], environment: Environment, *, changed: Mapping[str, str] | None = None, **fault: Any
) -> Completed:
    """Run `offload ARGS` in an environment, with some `OFFLOAD_*` changed; `fault` as for `OffloadCli.run_command`."""
    return OFFLOAD.run_command(args, {**variables(environment.addresses), **(changed or {})}, **fault)


def start_offload(args: Sequence[str], environment: Environment, **fault: Any) -> ChildProcess:
    """Start `offload ARGS` in an environment; `fault` as for `OffloadCli.start_command`."""
    return OFFLOAD.start_command(args, variables(environment.addresses), **fault)


def check_invariants(environment: Any, expected: Table, *, observed: Sequence[int | None] = ()) -> list[Finding]:
    """All invariants of a table that the offload filled."""
    return invariants.check_invariants(OFFLOAD, environment, expected, observed=observed)


def cold_watermark(environment: Any) -> int | None:
    """The watermark of the cold table, in microseconds since 1970 UTC."""
    return invariants.cold_watermark(OFFLOAD, environment.cold)


def published_rows(history: Sequence[SnapshotRecord]) -> list[int]:
    """Rows of each snapshot that added some."""
    return [record.added_rows for record in history if record.added_rows]
