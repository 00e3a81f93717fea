"""
The command line of Tidemark as a subject: started as a child process, killed or frozen at an event.

A child process is a context manager, so that it never outlives its test:

    with OffloadCli().start_command(["run", "trades"], env, at="before:publish", action="freeze") as first:
        first.wait_frozen()
        second = OffloadCli().run_command(["run", "trades"], env)
        first.thaw()
        assert first.wait().returncode == 75
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from harness.child_process import TIMEOUT, ChildProcess, Completed, Launcher, subprocess_launcher
from harness.model import PublishedBatch
from harness.readers.values import EPOCH
from harness.readers.watermarks import StoreTable
from harness.subjects.process_fault import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Addresses, SnapshotRecord

CHILD = "harness.subjects.offload_child"
PROGRAM = (sys.executable, "-m", CHILD)
TOKEN = "tidemark.token"  # noqa: S105 - the snapshot property that has the commit token
WATERMARK = "tidemark.watermark"  # the table property
NO_OWNER = "nobody"  # in the watermark store, where no run has the lease


@dataclass(frozen=True)
class OffloadCli:
    """
    The command line `offload`; a subject with every ability.

    Attributes:
        launcher: Starts its processes.
    """

    launcher: Launcher = subprocess_launcher

    @property
    def retry_codes(self) -> frozenset[int]:
        """EX_TEMPFAIL: another run has the table, or the hot rows changed at each attempt."""
        return frozenset({75})

    def start(self, addresses: Addresses, *, until: datetime | None = None) -> ChildProcess:
        """Start `offload run TABLE`; the arguments are those of `Subject`."""
        return self.start_command(_run(addresses, until), variables(addresses))

    def start_with_fault(
        self, addresses: Addresses, event: str, *, action: str, nth: int = 1, until: datetime | None = None
    ) -> ChildProcess:
        """Start `offload run TABLE` with a fault; the arguments are those of `EmitsEvents`."""
        return self.start_command(_run(addresses, until), variables(addresses), at=event, action=action, nth=nth)

    def start_command(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        *,
        at: str | None = None,
        action: str = "kill",
        nth: int = 1,
        cwd: Path | None = None,
    ) -> ChildProcess:
        """
        Start `offload ARGS`.

        Args:
            args: The arguments of `offload`.
            env: Environment variables, added to the caller's; the caller's own `OFFLOAD_*` are removed.
            at: The event at which the child kills or freezes itself, such as `before:publish`; None: no fault.
            action: `kill`, `freeze` or `raise`.
            nth: The occurrence of the event, from 1.
            cwd: The child's working folder.

        Raises:
            ValueError: There is no such action.
        """
        folder = TemporaryDirectory(prefix="offload-child-", ignore_cleanup_errors=True)
        marker = str(Path(folder.name) / "marker")
        fault = ["--at", at, "--action", Action(action).value, "--nth", str(nth), "--marker", marker] if at else []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        return ChildProcess([*PROGRAM, *fault, "--", *args], {**inherited, **env}, cwd, folder, self.launcher)

    def run_command(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        *,
        at: str | None = None,
        action: str = "kill",
        nth: int = 1,
        cwd: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> Completed:
        """
        Run `offload ARGS` to its end; the arguments are those of `start_command`.

        Raises:
            ValueError: The action is `freeze`, after which the child would never end; use `start_command`.
            TimeoutError: The child was still running after `timeout` seconds; it was killed.
        """
        if at and action == Action.FREEZE:
            raise ValueError("expected kill or raise; found freeze, after which no child ends; next: use start_command")
        with self.start_command(args, env, at=at, action=action, nth=nth, cwd=cwd) as running:
            return running.wait(timeout)

    @property
    def token_property(self) -> str:
        """The snapshot property that has the commit token."""
        return TOKEN

    def published_batches(self, history: Sequence[SnapshotRecord]) -> list[PublishedBatch]:
        """The batches of the commit tokens."""
        tokens = [(record.snapshot_id, json.loads(record.token)) for record in history if record.token]
        return [
            PublishedBatch(
                f"{number} of run {token['run_id']}",
                snapshot,
                token["window_from"],
                token["watermark_ticks"],
                token.get("late_to") is not None,
            )
            for number, (snapshot, token) in enumerate(tokens)
        ]

    def watermark(self, properties: Mapping[str, str]) -> int | None:
        """The watermark in the table's properties, in microseconds since 1970 UTC."""
        text = properties.get(WATERMARK)
        return int(text) if text else None

    def stored(self, table: str, url: str) -> Mapping[str, Any]:
        """The table's row of `offload_watermarks`, its time in microseconds since 1970 UTC; empty: there is none."""
        row = StoreTable(table, url).watermark_row()
        time = row.get("last_offload_timestamp")
        return {**row, "last_offload_timestamp": None if time is None else _microseconds(time)}

    def stored_at_rest(self, watermark: int | None) -> Mapping[str, Any]:
        """The columns that must equal the cold table's watermark, the status of a success, and no lease."""
        return {
            "watermark_ticks": watermark,
            "last_offload_timestamp": watermark,
            "status": "success",
            "owner": NO_OWNER,
        }


def variables(addresses: Addresses) -> dict[str, str]:
    """The environment variables that give the offload its addresses and settings; a setting outweighs an address."""
    store = addresses.object_store
    values = {
        "clickhouse_dsn": addresses.hot,
        "catalog_uri": addresses.catalog,
        "catalog_name": addresses.catalog_name,
        "watermarks_url": addresses.store,
        "warehouse": addresses.warehouse,
    }
    if store:
        values |= {
            "s3_endpoint": store.endpoint,
            "s3_endpoint_for_clickhouse": store.endpoint_for_clickhouse,
            "s3_access_key": store.access_key,
            "s3_secret_key": store.secret_key,
            "s3_region": store.region,
        }
    return {f"OFFLOAD_{name.upper()}": value for name, value in (values | dict(addresses.settings)).items()}


def _run(addresses: Addresses, until: datetime | None) -> list[str]:
    return ["run", addresses.table, "--json", *(["--until", until.isoformat()] if until else [])]


def _microseconds(value: object) -> int | None:
    """A time as Postgres (with a zone) or SQLite (text in UTC) returns it, in microseconds; None: it is no time."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (time.replace(tzinfo=time.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)
