from __future__ import annotations

from dataclasses import dataclass, field
from threading import Barrier, Thread

import pytest

from harness.stack.errors import NoEngine
from harness.stack.host.engine import ensure
from harness.stack.ownership import lock


@dataclass
class Machine:
    """A machine in memory that records its calls."""

    running: bool = False
    may: bool = True
    installed: bool = True
    error: str = "No such file or directory"
    calls: list[str] = field(default_factory=list)

    def connection_error(self) -> str:
        """Return the error until the engine runs."""
        return "" if self.running else self.error

    def may_start(self) -> bool:
        """Return whether the harness may start an engine."""
        return self.may

    def has_daemon(self) -> bool:
        """Return whether the engine is installed."""
        return self.installed

    def install(self) -> None:
        """Record the call."""
        self.calls.append("install")

    def start(self) -> None:
        """Record the call, and whether the lock is held; from now on the engine answers."""
        with lock.try_lock("engine") as free:
            self.calls.append("start without lock" if free else "start")
        self.running = True


def test_an_engine_that_answers_is_used_as_it_is() -> None:
    """The harness installs and starts nothing, with or without root."""
    machine = Machine(running=True, may=False)
    ensure(machine)

    assert machine.calls == []


def test_an_installed_engine_is_only_started() -> None:
    """No package is installed."""
    machine = Machine()
    ensure(machine)

    assert machine.calls == ["start"]


def test_without_an_engine_one_is_installed_and_started() -> None:
    """On a fresh Debian, as root."""
    machine = Machine(installed=False)
    ensure(machine)

    assert machine.calls == ["install", "start"]


def test_two_runs_at_the_same_time_start_one_engine() -> None:
    """A second daemon would replace the socket of the first one."""
    machine, barrier = Machine(), Barrier(2)

    def run() -> None:
        barrier.wait(timeout=60)
        ensure(machine)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert machine.calls == ["start"]


def test_without_root_the_error_says_what_to_install() -> None:
    """The harness changes nothing; the message has its four parts."""
    machine = Machine(may=False)
    with pytest.raises(NoEngine) as caught:
        ensure(machine)

    assert machine.calls == []
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["expected", "found", "evidence", "next"]
    assert "sudo .venv/bin/python -m harness.stack engine" in str(caught.value)


def test_without_permission_the_error_names_the_group() -> None:
    """The engine runs, but only members of its group may use it."""
    with pytest.raises(NoEngine, match="usermod -aG docker"):
        ensure(Machine(may=False, error="PermissionError(13, 'Permission denied')"))
