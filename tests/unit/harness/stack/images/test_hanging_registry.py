from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.stack.errors import NoImage, NoPackage
from harness.stack.host import command, debian
from harness.stack.images import fetch as fetch_module
from harness.stack.ownership.owner import _start_time
from harness.waiting import wait_until

HANG = """#!/bin/sh
{first}
sleep 600 & echo $! > {pids}/child
(sleep 600 & echo $! > {pids}/orphan)
echo asking the registry
echo $$ > {pids}/itself
wait
"""
FETCHES: dict[str, Callable[[Path], object]] = {
    "pip": lambda folder: fetch_module.wheel({"package": "vvv==1"}, folder),
    "go": lambda folder: fetch_module.go({"module": "example.org/vvv@v1"}, folder),
    "mvn": lambda folder: fetch_module.maven({"artifacts": ["org.example:vvv:1"]}, folder),
    "debootstrap": lambda folder: fetch_module.debootstrap({"suite": "vvv"}, folder),
}


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in which hanging programs write their process ids; the time-out waits until all have written."""
    folder = tmp_path / "pids"
    folder.mkdir()

    class TimedOutAfterStart(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None and self.returncode is None:
                wait_until((folder / "itself").exists, lambda: "expected the hanging program to start", 60)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", TimedOutAfterStart)
    monkeypatch.setattr(fetch_module, "FETCH_TIMEOUT", 0.1)
    monkeypatch.setattr(debian, "INSTALL_TIMEOUT", 0.1)
    install_hanging_programs(folder, monkeypatch)
    return folder


def install_hanging_programs(pids: Path, monkeypatch: pytest.MonkeyPatch, first: str = "") -> None:
    """Replace every program that fetches by one that hangs, with a child and an orphan; `first` is its first line."""
    programs = pids.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("python", "go", "mvn", "debootstrap", "apt-get"):
        (programs / name).write_text(HANG.format(pids=pids, first=first))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "executable", str(programs / "python"))


def still_running(pids: Path) -> list[str]:
    """Names of the processes that wrote their process id and still exist."""
    assert {path.name for path in pids.iterdir()} == {"itself", "child", "orphan"}
    return [path.name for path in pids.iterdir() if _start_time(int(path.read_text()))]


@pytest.mark.parametrize("fetch", FETCHES.values(), ids=FETCHES.keys())
def test_a_fetch_that_hangs_fails_after_its_timeout(
    pids: Path, tmp_path: Path, fetch: Callable[[Path], object]
) -> None:
    """Behind a firewall that drops packets, the build ends, releases its lock and says what to type."""
    with pytest.raises(NoImage) as caught:
        fetch(tmp_path)

    assert "vvv" in caught.value.expected or "pom.xml" in caught.value.expected
    assert "still running after 0.1 s" in caught.value.found
    assert caught.value.evidence == "asking the registry"
    assert "`make images`" in caught.value.next_step
    assert still_running(pids) == []


def test_an_installation_that_hangs_fails_after_its_timeout(pids: Path) -> None:
    """Debian packages have a time-out too."""
    with pytest.raises(NoPackage) as caught:
        debian.install(["vvv"])

    assert "apt-get" in caught.value.expected
    assert "still running after 0.1 s" in caught.value.found
    assert caught.value.evidence == "asking the registry"
    assert "`apt-get update`" in caught.value.next_step
    assert still_running(pids) == []


def test_a_program_that_ignores_sigterm_is_killed(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM comes first, because debootstrap must unmount its mounts; SIGKILL comes after it."""
    monkeypatch.setattr(command, "GRACE", 0.1)
    install_hanging_programs(pids, monkeypatch, first="trap '' TERM")
    result = command.run(["go"], {}, 0.1)

    assert result.failure
    assert still_running(pids) == []


def test_a_program_may_clean_up_after_sigterm(pids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debootstrap mounts /proc and /sys of this machine in a folder that is deleted afterwards."""
    install_hanging_programs(pids, monkeypatch, first=f"trap 'touch {tmp_path}/unmounted; exit 143' TERM")
    command.run(["debootstrap"], {}, 0.1)

    assert (tmp_path / "unmounted").exists()


def test_an_interrupt_terminates_the_started_programs(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No build continues after Ctrl-C."""
    original = subprocess.Popen.wait

    def interrupted(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None:
            return original(self)
        wait_until((pids / "itself").exists, lambda: "expected the hanging program to start", 60)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.run(["go"], {}, 600)

    assert still_running(pids) == []


def test_a_command_that_ends_in_time_returns_its_exit_code_and_output() -> None:
    """The output has the last lines of both streams."""
    failed = command.run(["sh", "-c", "echo $VVV; echo no such host >&2; exit 3"], {"VVV": "looking"}, 60)

    assert failed == command.CommandResult("exit code 3", "looking\nno such host")
    assert command.run(["true"], {}, 60) == command.CommandResult("", "(no output)")
