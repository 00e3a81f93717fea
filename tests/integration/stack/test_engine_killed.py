"""A killed engine, and killed processes of it, are started again; in namespaces of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from harness.stack.compose import ROOT

PREPARE = r"""
set -eu
for folder in /run /var/lib/docker /var/log; do mount -t tmpfs tmpfs $folder; done
mkdir /run/lock
export TMPDIR=/run
engine="$1 -m harness.stack engine"
$engine
tar -chP $(ldd /bin/sleep | grep -o '/[^ ]*') /bin/sleep | docker import - sleeper:1 > /run/imported
docker network create net > /run/network
docker run --detach --stop-signal KILL --name sleeper --network net --publish 25999:80 \
    sleeper:1 /bin/sleep 1000 > /run/started
kill_all() { for name in "$@"; do kill -9 $(pgrep -x "$name") || true; done; } # each may die with another
"""

CHECK = """
$engine
test "$(pgrep -cx dockerd)" = 1
docker start sleeper
test "$(docker inspect --format '{{.State.Running}}' sleeper)" = true
docker port sleeper
docker rm --force --volumes sleeper
docker network rm net
"""

DEATHS = {
    "the daemon alone": "kill_all dockerd",
    "the daemon and its containerd": "kill_all dockerd containerd",
    "everything": "kill_all dockerd containerd containerd-shim sleep",
    "everything, and its process ids used by others": """
        kill_all dockerd containerd containerd-shim sleep
        echo $$ > /run/docker.pid
        echo $$ > /run/docker/containerd/containerd.pid
        mkdir -p /run/containerd
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/containerd/containerd.sock")'
    """,
}


def alone(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in namespaces without processes, mounts and networks of this machine."""
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return subprocess.run(
        [*command, "bash", "-c", script, "bash", sys.executable],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DOCKER_HOST"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("dockerd") is None, reason="root's own engine is killed")
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_a_killed_engine_is_started_again_and_finds_its_containers(death: str) -> None:
    """Also where process ids, sockets, mounts, bridges and containers in state running are left."""
    done = alone(PREPARE + death + CHECK)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "25999" in done.stdout
