from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.stack.host import daemon


@pytest.fixture
def own_name() -> str:
    """Name of this process in /proc."""
    return Path("/proc/self/comm").read_text().strip()


def test_the_pid_file_of_another_process_is_removed(tmp_path: Path, own_name: str) -> None:
    """The next daemon would take that process for a daemon, and refuse to start or wait forever."""
    stale = tmp_path / "docker.pid"
    stale.write_text(str(os.getpid()))
    daemon.remove_stale_files({stale: f"not {own_name}"}, tmp_path / "no.sock")

    assert not stale.exists()


def test_the_pid_file_of_a_live_process_with_the_right_name_stays(tmp_path: Path, own_name: str) -> None:
    """The next dockerd uses a containerd again that still runs after its dockerd ended."""
    alive = tmp_path / "containerd.pid"
    alive.write_text(str(os.getpid()))
    daemon.remove_stale_files({alive: own_name}, tmp_path / "no.sock")

    assert alive.exists()


@pytest.mark.parametrize("text", ["", "999999999", "no number"])
def test_a_pid_file_without_a_live_process_is_removed(tmp_path: Path, text: str) -> None:
    """Also a file that was written only in part."""
    stale = tmp_path / "docker.pid"
    stale.write_text(text)
    daemon.remove_stale_files({stale: "dockerd"}, tmp_path / "no.sock")

    assert not stale.exists()


def test_a_socket_is_removed_if_no_process_listens_on_it(tmp_path: Path) -> None:
    """The daemon would wait for a containerd at this socket and not start its own."""
    path = tmp_path / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        daemon.remove_stale_files({}, path)
        exists_while_listening = path.exists()
    daemon.remove_stale_files({}, path)

    assert exists_while_listening
    assert not path.exists()


def test_a_process_is_found_by_its_name(own_name: str) -> None:
    """Before we start a daemon, we check that none is starting already."""
    assert daemon.is_alive(own_name)
    assert not daemon.is_alive("no-such-daemon")
