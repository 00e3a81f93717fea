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
from harness.stack.ownership.owner import _started
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
    """Where programs that hang write who they are; they hang at once, but not before all have written."""
    folder = tmp_path / "pids"
    folder.mkdir()

    class Started(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None and self.returncode is None:
                wait_until((folder / "itself").exists, lambda: "the program that hangs did not start", 60)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setattr(fetch_module, "LONGEST_FETCH", 0.1)
    monkeypatch.setattr(debian, "LONGEST_INSTALL", 0.1)
    hanging(folder, monkeypatch)
    return folder


def hanging(pids: Path, monkeypatch: pytest.MonkeyPatch, first: str = "") -> None:
    """Let every program that fetches hang, with a child and an orphan."""
    programs = pids.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("python", "go", "mvn", "debootstrap", "apt-get"):
        (programs / name).write_text(HANG.format(pids=pids, first=first))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "executable", str(programs / "python"))


def live_feed(pids: Path) -> list[str]:
    """Those that wrote who they are, and are still there."""
    assert {path.name for path in pids.iterdir()} == {"itself", "child", "orphan"}
    return [path.name for path in pids.iterdir() if _started(int(path.read_text()))]


@pytest.mark.parametrize("fetch", FETCHES.values(), ids=FETCHES.keys())
def test_a_fetch_that_hangs_is_given_up(pids: Path, tmp_path: Path, fetch: Callable[[Path], object]) -> None:
    """Behind a firewall that swallows packets the lock of the builds is given back, and a person told what to type."""
    with pytest.raises(NoImage) as caught:
        fetch(tmp_path)

    assert "vvv" in caught.value.expected or "pom.xml" in caught.value.expected
    assert "no end after 0.1 s" in caught.value.found
    assert caught.value.evidence == "asking the registry"
    assert "`make images`" in caught.value.next_step
    assert live_feed(pids) == []


def test_an_installation_that_hangs_is_given_up(pids: Path) -> None:
    """The same for Debian's packages."""
    with pytest.raises(NoPackage) as caught:
        debian.install(["vvv"])

    assert "apt-get" in caught.value.expected
    assert "no end after 0.1 s" in caught.value.found
    assert caught.value.evidence == "asking the registry"
    assert "`apt-get update`" in caught.value.next_step
    assert live_feed(pids) == []


def test_a_program_deaf_to_sigterm_is_ended_all_the_same(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM comes first, for what has to be unmounted; SIGKILL after it."""
    monkeypatch.setattr(command, "GRACE", 0.1)
    hanging(pids, monkeypatch, first="trap '' TERM")
    ending = command.run(["go"], {}, 0.1)

    assert ending.failure
    assert live_feed(pids) == []


def test_a_program_told_to_end_may_tidy_up(pids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debootstrap mounts the machine's own /proc and /sys in a folder that is deleted next."""
    hanging(pids, monkeypatch, first=f"trap 'touch {tmp_path}/unmounted; exit 143' TERM")
    command.run(["debootstrap"], {}, 0.1)

    assert (tmp_path / "unmounted").exists()


def test_who_interrupts_us_ends_what_we_started(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on building for somebody who has gone."""
    started = subprocess.Popen.wait

    def interrupted(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None:
            return started(self)
        wait_until((pids / "itself").exists, lambda: "the program that hangs did not start", 60)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.run(["go"], {}, 600)

    assert live_feed(pids) == []


def test_a_command_that_ends_in_time_says_how() -> None:
    """Both its streams are evidence, the last lines of them."""
    failed = command.run(["sh", "-c", "echo $VVV; echo no such host >&2; exit 3"], {"VVV": "looking"}, 60)

    assert failed == command.Ending("exit code 3", "looking\nno such host")
    assert command.run(["true"], {}, 60) == command.Ending("", "(no output)")
