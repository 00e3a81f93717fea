from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.stack.host import daemon


@pytest.fixture
def own_name() -> str:
    """What the system calls this process."""
    return Path("/proc/self/comm").read_text().strip()


def test_a_number_that_now_belongs_to_another_process_is_removed(tmp_path: Path, own_name: str) -> None:
    """The next daemon would take that process for one of its kind, and give up or wait for ever."""
    stale = tmp_path / "docker.pid"
    stale.write_text(str(os.getpid()))
    daemon.tidy({stale: f"not {own_name}"}, tmp_path / "no.sock")

    assert not stale.exists()


def test_the_number_of_one_that_lives_is_left(tmp_path: Path, own_name: str) -> None:
    """A containerd that outlived its dockerd is used again by the next."""
    alive = tmp_path / "containerd.pid"
    alive.write_text(str(os.getpid()))
    daemon.tidy({alive: own_name}, tmp_path / "no.sock")

    assert alive.exists()


@pytest.mark.parametrize("text", ["", "999999999", "no number"])
def test_a_number_of_nobody_is_removed(tmp_path: Path, text: str) -> None:
    """Also one that was only half written."""
    stale = tmp_path / "docker.pid"
    stale.write_text(text)
    daemon.tidy({stale: "dockerd"}, tmp_path / "no.sock")

    assert not stale.exists()


def test_a_socket_is_removed_when_nobody_listens(tmp_path: Path) -> None:
    """The daemon would wait for the containerd behind it rather than start its own."""
    path = tmp_path / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        daemon.tidy({}, path)
        kept = path.exists()
    daemon.tidy({}, path)

    assert kept
    assert not path.exists()


def test_a_process_is_found_by_its_name(own_name: str) -> None:
    """Before a daemon is started, one that is starting is looked for."""
    assert daemon.is_alive(own_name)
    assert not daemon.is_alive("no-such-daemon")
