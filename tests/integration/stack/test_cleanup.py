"""No container of a run is left, however the run ends, and those of other runs stay."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

from docker import DockerClient

from harness.stack.lifecycle import running_stack
from harness.stack.ownership import lock
from harness.stack.ownership.labels import OWNER, RUN
from harness.stack.ownership.sweep import sweep
from harness.stack.service import Service
from harness.stack.stack import Stack
from harness.waiting import wait_until
from tests.support.pytest_child import child


def left(client: DockerClient, label: str) -> set[str]:
    """Names of the containers and networks with a label."""
    containers = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    networks = client.networks.list(filters={"label": label})
    return {str(each.name) for each in containers} | {str(each.name) for each in networks}


def test_two_runs_on_one_machine_are_separate(stack: Stack, client: DockerClient, tmp_path: Path) -> None:
    """Another run starts, sweeps and ends during this one; each has its own containers and ports."""
    mine = left(client, f"{RUN}={stack.run}")
    with child(tmp_path, "def test_it(stack): report(stack)\n") as other:
        reported = other.reported()
        output = other.finish()

    assert other.process.returncode == 0, output
    assert reported["run"] != stack.run
    assert reported["port"] != stack.clickhouse.port
    assert left(client, f"{RUN}={reported['run']}") == set()
    assert left(client, f"{RUN}={stack.run}") == mine
    assert all(stack.container(service).answers() for service in Service)


def test_a_stack_without_pytest_is_removed_too(client: DockerClient) -> None:
    """The benchmark uses a stack in this way."""
    session = f"bench-{uuid.uuid4().hex}"
    with running_stack(session) as used:
        up = left(client, f"{RUN}={used.run}")

    assert len(up) == len(Service) + 1
    assert left(client, f"{RUN}={used.run}") == set()
    assert lock.session_markers(session) == []


def test_a_test_that_fails_leaves_logs_and_no_container(client: DockerClient, tmp_path: Path) -> None:
    """The log of each server is in reports/, and the servers are removed."""
    with child(tmp_path, "def test_it(stack): report(stack); assert False\n") as other:
        run = other.reported()["run"]
        output = other.finish()

    logs = {path.stem for path in (tmp_path / "reports" / "stack" / str(run)).glob("*.log")}
    assert other.process.returncode == 1, output
    assert logs == set(Service)
    assert left(client, f"{RUN}={run}") == set()


def test_a_run_that_was_killed_is_swept(client: DockerClient, tmp_path: Path) -> None:
    """Kill -9 leaves the containers running; the next run that starts removes them."""
    with child(tmp_path, "def test_it(stack): report(stack); input()\n", "-s") as other:
        mine = f"{RUN}={other.reported()['run']}"
        sweep(client, mine)
        while_alive = left(client, mine)
        other.process.kill()

    sweep(client, mine)
    assert len(while_alive) == len(Service) + 1
    assert left(client, mine) == set()


def test_a_worker_that_dies_leaves_nothing_behind(client: DockerClient, tmp_path: Path) -> None:
    """The controller of pytest-xdist removes the stack of its dead worker when the session ends."""
    with child(tmp_path, "def test_it(stack): report(stack); os._exit(1)\n", "-n", "1") as other:
        run = other.reported()["run"]
        output = other.finish()

    assert "crashed" in output
    assert left(client, f"{RUN}={run}") == set()


def test_ctrl_c_during_the_start_leaves_nothing_behind(client: DockerClient, tmp_path: Path) -> None:
    """Containers that exist, and those that are being started, are removed before pytest ends."""
    with child(tmp_path, "def test_it(stack): report(stack)\n") as other:
        wait_until(lambda: len(started_by(client, other.process.pid)) > 1, lambda: "expected it to begin", 120)
        other.process.send_signal(signal.SIGINT)
        output = other.finish()

    assert other.process.returncode == 2, output
    assert not (tmp_path / "report.json").exists()
    assert started_by(client, other.process.pid) == set()


def started_by(client: DockerClient, pid: int) -> set[str]:
    """Names of the containers and networks whose owner is that process."""
    found = {"label": RUN}
    containers = client.containers.list(all=True, filters=found, ignore_removed=True)
    labels = {str(each.name): each.labels for each in containers}
    labels |= {str(each.name): each.attrs["Labels"] for each in client.networks.list(filters=found)}
    return {name for name, each in labels.items() if each[OWNER].split()[1] == str(pid)}
